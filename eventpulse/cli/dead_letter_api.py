"""The dead letters of a running EventPulse, through its HTTP API."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from eventpulse.cli.server_api import ServerApi, opened


class DeadLetterApi(ServerApi):
    """One API."""

    below = "/api/v1/dead-letters"

    def list(self, most: int, **query: Any) -> "Iterator[dict[str, Any]]":
        """Letters that match, the newest first."""
        return self.pages("", most, **query)

    def show(self, number: int) -> dict[str, Any]:
        """One letter, whole."""
        return self.ask("GET", f"/{number}")  # type: ignore[no-any-return]

    def edit(self, number: int, event: bytes) -> dict[str, Any]:
        """Keep an event that stands in for what came in."""
        return self.ask("PATCH", f"/{number}", content=event)  # type: ignore[no-any-return]

    def redrive(self, number: int, *, dry_run: bool) -> dict[str, Any]:
        """Send one letter through the stream again."""
        return self.ask("POST", f"/{number}/redrive", query={"dry_run": dry_run})  # type: ignore[no-any-return]

    def redrive_many(self, *, dry_run: bool, **query: Any) -> dict[str, Any]:
        """Send the letters that match through the stream again."""
        return self.ask("POST", "/redrive", query={**query, "dry_run": dry_run})  # type: ignore[no-any-return]

    def discard(self, number: int) -> dict[str, Any]:
        """Close a letter without sending it on."""
        return self.ask("POST", f"/{number}/discard")  # type: ignore[no-any-return]


def open_dead_letter_api(base_url: str, key: str | None) -> AbstractContextManager[DeadLetterApi]:
    """The API at an address, for as long as the block runs."""
    return opened(DeadLetterApi, base_url, key)
