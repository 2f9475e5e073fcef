"""The alerts of a running EventPulse, through its HTTP API."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import httpx2

from eventpulse.cli.api_address import authorization, on_this_machine
from eventpulse.errors import EventPulseError

_MOST_A_PAGE = 500


class AlertApi:
    """One API. Every method raises EventPulseError where the API cannot be reached or refuses."""

    def __init__(self, client: httpx2.Client, base_url: str) -> None:
        self._client = client
        self._alerts = base_url + "/api/v1/alerts"

    def list(self, most: int, **query: Any) -> "Iterator[dict[str, Any]]":
        """Alerts that match, those made last first."""
        cursor = None
        while most > 0:
            page = self._ask("GET", "", params={**query, "limit": min(most, _MOST_A_PAGE), "cursor": cursor})
            yield from page["data"]
            most -= len(page["data"])
            cursor = page["pagination"]["next"]
            if cursor is None:
                return

    def show(self, alert_id: str) -> dict[str, Any]:
        """One alert, whole."""
        return self._ask("GET", f"/{alert_id}")

    def change(
        self,
        alert_id: str,
        wish: Literal["acknowledge", "unacknowledge", "resolve"],
        by: str | None,
        note: str | None,
    ) -> dict[str, Any]:
        """Acknowledge or resolve an alert, or take the former back."""
        said = {name: value for name, value in {"by": by, "note": note}.items() if value is not None}
        return self._ask("POST", f"/{alert_id}/{wish}", said=said)

    def _ask(
        self, method: str, path: str, *, params: dict[str, Any] | None = None, said: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        query = {name: value for name, value in (params or {}).items() if value is not None}
        try:
            answer = self._client.request(method, self._alerts + path, params=query, json=said)
        except httpx2.HTTPError as fault:
            raise EventPulseError(
                f"EventPulse does not answer at {self._alerts} ({fault}). Is `eventpulse up` running?"
            ) from fault
        if not answer.is_success:
            raise EventPulseError(f"Refused with {answer.status_code}: {_reason(answer)}")
        document: dict[str, Any] = answer.json()
        return document


@contextmanager
def open_alert_api(base_url: str, key: str | None) -> Iterator[AlertApi]:
    """The API at an address, for as long as the block runs."""
    timeout = httpx2.Timeout(60.0, connect=5.0)
    with httpx2.Client(headers=authorization(key), timeout=timeout, trust_env=not on_this_machine(base_url)) as client:
        yield AlertApi(client, base_url)


def _reason(answer: httpx2.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
