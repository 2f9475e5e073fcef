"""Decide what an answer of the API to a batch means for the sender."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

_DEFAULT_WAIT = 1.0
_LONGEST_WAIT = 60.0


@dataclass(frozen=True)
class Taken:
    """202: every event of the request is kept."""


@dataclass(frozen=True)
class SomeRefused:
    """400 that names events by index: the others can be sent without them."""

    reasons: dict[int, tuple[str, ...]]


@dataclass(frozen=True)
class AllRefused:
    """400 or 413 that names no event: only smaller requests can tell which one it is."""

    reason: str


@dataclass(frozen=True)
class Later:
    """429 or 503: the server asks for a pause."""

    seconds: float
    reason: str


@dataclass(frozen=True)
class Trouble:
    """The server failed; the same request may succeed in a moment."""

    reason: str


@dataclass(frozen=True)
class Denied:
    """No repetition can help."""

    reason: str


Answer = Taken | SomeRefused | AllRefused | Later | Trouble | Denied


def read_answer(status: int, headers: Mapping[str, str], body: bytes, *, events: int, now: datetime) -> Answer:
    """What `status` and `body` say about a request that carried `events` events."""
    if status == 202:
        return Taken()
    answer = _json(body)
    said = _error_text(answer) or f"answered {status}"
    if status == 400:
        reasons = _reasons_by_index(answer, events)
        return SomeRefused(reasons) if reasons else AllRefused(_first_issue(answer) or said)
    if status == 413:
        return AllRefused(said)
    if status in (429, 503):
        return Later(_retry_after(headers.get("retry-after"), now), said)
    if status in (401, 403):
        return Denied(f"The API key is missing or not allowed to send events ({status}: {said}). Give one with --key.")
    if status >= 500 or status == 408:
        return Trouble(said)
    return Denied(f"The server answered {status} ({said}); is it an EventPulse API?")


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None


def _error_text(answer: Any) -> str | None:
    error = answer.get("error") if isinstance(answer, dict) else None
    return error if isinstance(error, str) else None


def _issues(answer: Any) -> list[dict[str, Any]]:
    issues = answer.get("issues") if isinstance(answer, dict) else None
    return [issue for issue in issues if isinstance(issue, dict)] if isinstance(issues, list) else []


def _first_issue(answer: Any) -> str | None:
    return next((str(issue.get("message")) for issue in _issues(answer)), None)


def _reasons_by_index(answer: Any, events: int) -> dict[int, tuple[str, ...]]:
    reasons: dict[int, tuple[str, ...]] = {}
    for issue in _issues(answer):
        path = issue.get("path")
        if not isinstance(path, list) or not path or not isinstance(path[0], int) or not 0 <= path[0] < events:
            continue
        where = ".".join(str(part) for part in path[1:])
        message = str(issue.get("message", "refused"))
        reasons[path[0]] = (*reasons.get(path[0], ()), f"{where}: {message}" if where else message)
    return reasons


def _retry_after(value: str | None, now: datetime) -> float:
    if value is None:
        return _DEFAULT_WAIT
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return _DEFAULT_WAIT
        seconds = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(seconds, 0.05), _LONGEST_WAIT)
