"""A running EventPulse, as commands ask it: through its HTTP API, with its refusals as sentences."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

import httpx2

from eventpulse.cli.api_address import authorization, on_this_machine
from eventpulse.errors import EventPulseError

_MOST_A_PAGE = 500
#: A channel that is tried may take its time to answer.
_PATIENCE = httpx2.Timeout(90.0, connect=5.0)


class ServerApi:
    """What lies below one path of the API. Every method raises EventPulseError where the API cannot be reached or
    refuses."""

    below: ClassVar = "/api/v1"

    def __init__(self, client: httpx2.Client, base_url: str) -> None:
        self._client = client
        self._at = base_url + self.below

    def ask(
        self,
        method: str,
        path: str = "",
        *,
        query: dict[str, Any] | None = None,
        document: dict[str, Any] | None = None,
        content: bytes | None = None,
        what: str | None = None,
    ) -> Any:
        """The answer, read; None where it is empty. Parameters that are None are left out; `what` is how a refusal
        names the question."""
        url = self._at + path
        params = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            answer = self._client.request(method, url, params=params, json=document, content=content)
        except httpx2.HTTPError as fault:
            raise EventPulseError(
                f"EventPulse does not answer at {url} ({fault}). Is `eventpulse up` running?"
            ) from fault
        if not answer.is_success:
            refused = "Refused" if what is None else f"{what} was refused"
            raise EventPulseError(f"{refused} with {answer.status_code}: {_reason(answer)}")
        return answer.json() if answer.content else None

    def pages(self, path: str, most: int, **query: Any) -> Iterator[dict[str, Any]]:
        """The rows of a list that is told page by page."""
        cursor = None
        while most > 0:
            page = self.ask("GET", path, query={**query, "limit": min(most, _MOST_A_PAGE), "cursor": cursor})
            yield from page["data"]
            most -= len(page["data"])
            cursor = page["pagination"]["next"]
            if cursor is None:
                return


Api = TypeVar("Api", bound=ServerApi)


@contextmanager
def opened(kind: type[Api], base_url: str, key: str | None) -> Iterator[Api]:
    """A part of the API at an address, for as long as the block runs."""
    with httpx2.Client(
        headers=authorization(key), timeout=_PATIENCE, trust_env=not on_this_machine(base_url)
    ) as client:
        yield kind(client, base_url)


def _reason(answer: httpx2.Response) -> str:
    try:
        said = answer.json()
        error = said["error"]
        if isinstance(error, dict):
            fields = [
                f"{field}: {sentence}"
                for field, sentences in error.get("fieldErrors", {}).items()
                for sentence in sentences
            ]
            return "; ".join([*error.get("formErrors", []), *fields])
        issues = said.get("issues", [])
        faults = [f"{'.'.join(map(str, issue['path'])) or 'the event'}: {issue['message']}" for issue in issues]
        return "; ".join([error, *faults])
    except (ValueError, KeyError, TypeError, AttributeError):
        return answer.text[:200]
