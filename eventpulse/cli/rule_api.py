"""The rules of a running EventPulse, through its HTTP API."""

from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from eventpulse.cli.server_api import ServerApi, opened


class RuleApi(ServerApi):
    """One API."""

    below = "/api/v1/rules"

    def all(self) -> list[dict[str, Any]]:
        """Every rule, as the API shows it."""
        return self.ask("GET", what="GET")  # type: ignore[no-any-return]

    def create(self, document: dict[str, Any], rule_id: UUID) -> None:
        self._write("POST", "", {**document, "rule_id": str(rule_id)})

    def replace(self, document: dict[str, Any], rule_id: UUID) -> None:
        self._write("PUT", f"/{rule_id}", document)

    def remove(self, rule_id: UUID) -> None:
        self.ask("DELETE", f"/{rule_id}", what="DELETE")

    def _write(self, method: str, path: str, document: dict[str, Any]) -> None:
        self.ask(method, path, document=document, what=f'{method} rule "{document["name"]}"')


def open_rule_api(base_url: str, key: str | None) -> AbstractContextManager[RuleApi]:
    """The API at an address, for as long as the block runs."""
    return opened(RuleApi, base_url, key)
