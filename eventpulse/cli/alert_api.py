"""The alerts of a running EventPulse, through its HTTP API."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Literal

from eventpulse.cli.server_api import ServerApi, opened


class AlertApi(ServerApi):
    """One API."""

    below = "/api/v1/alerts"

    def list(self, most: int, **query: Any) -> "Iterator[dict[str, Any]]":
        """Alerts that match, those made last first."""
        return self.pages("", most, **query)

    def show(self, alert_id: str) -> dict[str, Any]:
        """One alert, whole."""
        return self.ask("GET", f"/{alert_id}")  # type: ignore[no-any-return]

    def change(
        self,
        alert_id: str,
        wish: Literal["acknowledge", "unacknowledge", "resolve"],
        by: str | None,
        note: str | None,
    ) -> dict[str, Any]:
        """Acknowledge or resolve an alert, or take the former back."""
        said = {name: value for name, value in {"by": by, "note": note}.items() if value is not None}
        return self.ask("POST", f"/{alert_id}/{wish}", document=said)  # type: ignore[no-any-return]


def open_alert_api(base_url: str, key: str | None) -> AbstractContextManager[AlertApi]:
    """The API at an address, for as long as the block runs."""
    return opened(AlertApi, base_url, key)
