"""Channels, silences and deliveries of a running EventPulse, through its HTTP API."""

from contextlib import AbstractContextManager
from typing import Any

from eventpulse.cli.server_api import ServerApi, opened
from eventpulse.errors import EventPulseError


class NotificationApi(ServerApi):
    """One API."""

    def get(self, path: str, **query: Any) -> Any:
        """What there is at a path."""
        return self.ask("GET", path, query=query)

    def send(self, method: str, path: str, document: dict[str, Any] | None = None) -> Any:
        """Change something."""
        return self.ask(method, path, document=document)

    def channel_named(self, name: str) -> dict[str, Any]:
        """The channel of this name or id."""
        for channel in self.get("/channels"):
            if name in (channel["name"], channel["channel_id"]):
                found: dict[str, Any] = channel
                return found
        raise EventPulseError(f'There is no channel named "{name}". `eventpulse channels list` shows all.')


def open_notification_api(base_url: str, key: str | None) -> AbstractContextManager[NotificationApi]:
    """The API at an address, for as long as the block runs."""
    return opened(NotificationApi, base_url, key)
