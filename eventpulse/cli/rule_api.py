"""The rules of a running EventPulse, through its HTTP API."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx2

from eventpulse.cli.api_address import authorization, on_this_machine
from eventpulse.errors import EventPulseError


class RuleApi:
    """One API. Every method raises EventPulseError where the API cannot be reached or refuses."""

    def __init__(self, client: httpx2.Client, base_url: str) -> None:
        self._client = client
        self._rules = base_url + "/api/v1/rules"

    def all(self) -> list[dict[str, Any]]:
        """Every rule, as the API shows it."""
        return self._ask("GET", self._rules).json()  # type: ignore[no-any-return]

    def create(self, document: dict[str, Any], rule_id: UUID) -> None:
        self._ask("POST", self._rules, {**document, "rule_id": str(rule_id)})

    def replace(self, document: dict[str, Any], rule_id: UUID) -> None:
        self._ask("PUT", f"{self._rules}/{rule_id}", document)

    def remove(self, rule_id: UUID) -> None:
        self._ask("DELETE", f"{self._rules}/{rule_id}")

    def _ask(self, method: str, url: str, document: dict[str, Any] | None = None) -> httpx2.Response:
        try:
            answer = self._client.request(method, url, json=document)
        except httpx2.HTTPError as fault:
            raise EventPulseError(
                f"EventPulse does not answer at {url} ({fault}). Is `eventpulse up` running?"
            ) from fault
        if answer.is_success:
            return answer
        name = f' rule "{document["name"]}"' if document else ""
        raise EventPulseError(f"{method}{name} was refused with {answer.status_code}: {_reason(answer)}")


@contextmanager
def open_rule_api(base_url: str, key: str | None) -> Iterator[RuleApi]:
    """The API at an address, for as long as the block runs."""
    timeout = httpx2.Timeout(30.0, connect=5.0)
    with httpx2.Client(headers=authorization(key), timeout=timeout, trust_env=not on_this_machine(base_url)) as client:
        yield RuleApi(client, base_url)


def _reason(answer: httpx2.Response) -> str:
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
    if not isinstance(error, dict):
        return str(error)
    fields = [
        f"{field}: {sentence}" for field, sentences in error.get("fieldErrors", {}).items() for sentence in sentences
    ]
    return "; ".join([*error.get("formErrors", []), *fields])
