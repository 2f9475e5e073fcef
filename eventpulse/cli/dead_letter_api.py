"""The dead letters of a running EventPulse, through its HTTP API."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from eventpulse.cli.api_address import authorization, on_this_machine
from eventpulse.errors import EventPulseError

_MOST_A_PAGE = 500


class DeadLetterApi:
    """One API. Every method raises EventPulseError where the API cannot be reached or refuses."""

    def __init__(self, client: httpx2.Client, base_url: str) -> None:
        self._client = client
        self._letters = base_url + "/api/v1/dead-letters"

    def list(self, most: int, **query: Any) -> "Iterator[dict[str, Any]]":
        """Letters that match, the newest first."""
        cursor = None
        while most > 0:
            page = self._ask("GET", "", query={**query, "limit": min(most, _MOST_A_PAGE), "cursor": cursor})
            yield from page["data"]
            most -= len(page["data"])
            cursor = page["pagination"]["next"]
            if cursor is None:
                return

    def show(self, number: int) -> dict[str, Any]:
        """One letter, whole."""
        return self._ask("GET", f"/{number}")

    def edit(self, number: int, event: bytes) -> dict[str, Any]:
        """Keep an event that stands in for what came in."""
        return self._ask("PATCH", f"/{number}", content=event)

    def redrive(self, number: int, *, dry_run: bool) -> dict[str, Any]:
        """Send one letter through the stream again."""
        return self._ask("POST", f"/{number}/redrive", query={"dry_run": dry_run})

    def redrive_many(self, *, dry_run: bool, **query: Any) -> dict[str, Any]:
        """Send the letters that match through the stream again."""
        return self._ask("POST", "/redrive", query={**query, "dry_run": dry_run})

    def discard(self, number: int) -> dict[str, Any]:
        """Close a letter without sending it on."""
        return self._ask("POST", f"/{number}/discard")

    def _ask(
        self, method: str, path: str, *, query: dict[str, Any] | None = None, content: bytes | None = None
    ) -> dict[str, Any]:
        params = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            answer = self._client.request(method, self._letters + path, params=params, content=content)
        except httpx2.HTTPError as fault:
            raise EventPulseError(
                f"EventPulse does not answer at {self._letters} ({fault}). Is `eventpulse up` running?"
            ) from fault
        if not answer.is_success:
            raise EventPulseError(f"Refused with {answer.status_code}: {_reason(answer)}")
        said: dict[str, Any] = answer.json()
        return said


@contextmanager
def open_dead_letter_api(base_url: str, key: str | None) -> Iterator[DeadLetterApi]:
    """The API at an address, for as long as the block runs."""
    timeout = httpx2.Timeout(60.0, connect=5.0)
    with httpx2.Client(headers=authorization(key), timeout=timeout, trust_env=not on_this_machine(base_url)) as client:
        yield DeadLetterApi(client, base_url)


def _reason(answer: httpx2.Response) -> str:
    try:
        said = answer.json()
        issues = said.get("issues", [])
        faults = [f"{'.'.join(map(str, issue['path'])) or 'the event'}: {issue['message']}" for issue in issues]
        return "; ".join([said["error"], *faults])
    except (ValueError, KeyError, TypeError, AttributeError):
        return answer.text[:200]
