"""Channels, silences and deliveries of a running EventPulse, through its HTTP API."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from eventpulse.cli.api_address import authorization, on_this_machine
from eventpulse.errors import EventPulseError

_MOST_A_PAGE = 500


class NotificationApi:
    """One API. Every method raises EventPulseError where the API cannot be reached or refuses."""

    def __init__(self, client: httpx2.Client, base_url: str) -> None:
        self._client = client
        self._base = base_url + "/api/v1"

    def get(self, path: str, **query: Any) -> Any:
        """What there is at a path."""
        return self._ask("GET", path, query=query)

    def pages(self, path: str, most: int, **query: Any) -> Iterator[dict[str, Any]]:
        """The rows of a list that is told page by page."""
        cursor = None
        while most > 0:
            page = self._ask("GET", path, query={**query, "limit": min(most, _MOST_A_PAGE), "cursor": cursor})
            yield from page["data"]
            most -= len(page["data"])
            cursor = page["pagination"]["next"]
            if cursor is None:
                return

    def send(self, method: str, path: str, document: dict[str, Any] | None = None) -> Any:
        """Change something."""
        return self._ask(method, path, document=document)

    def channel_named(self, name: str) -> dict[str, Any]:
        """The channel of this name or id."""
        for channel in self.get("/channels"):
            if name in (channel["name"], channel["channel_id"]):
                found: dict[str, Any] = channel
                return found
        raise EventPulseError(f'There is no channel named "{name}". `eventpulse channels list` shows all.')

    def _ask(
        self, method: str, path: str, *, query: dict[str, Any] | None = None, document: dict[str, Any] | None = None
    ) -> Any:
        params = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            answer = self._client.request(method, self._base + path, params=params, json=document)
        except httpx2.HTTPError as fault:
            raise EventPulseError(
                f"EventPulse does not answer at {self._base} ({fault}). Is `eventpulse up` running?"
            ) from fault
        if not answer.is_success:
            raise EventPulseError(f"Refused with {answer.status_code}: {_reason(answer)}")
        return answer.json() if answer.content else None


@contextmanager
def open_notification_api(base_url: str, key: str | None) -> Iterator[NotificationApi]:
    """The API at an address, for as long as the block runs."""
    timeout = httpx2.Timeout(90.0, connect=5.0)
    with httpx2.Client(headers=authorization(key), timeout=timeout, trust_env=not on_this_machine(base_url)) as client:
        yield NotificationApi(client, base_url)


def _reason(answer: httpx2.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
