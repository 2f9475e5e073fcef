"""The query parameters that several routes share, with the sentence each one is refused with."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import HTTPException, Query
from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from eventpulse.intake.json_objects import Refused, check_object
from eventpulse.intake.timestamps import read_timestamp
from ingest_api.paging import ALERT_CURSOR, ANOMALY_CURSOR, EVENT_CURSOR, is_cursor
from rules.paths import PathFault, normal_path
from rules.where.predicate import LONGEST_PREDICATE, PredicateFault, read_predicate

_DEEPEST_OFFSET = 1 << 53
_DEEPEST_GROUP = 20


def sentence(text: str) -> PydanticCustomError:
    """The error that makes `text` the answer."""
    return PydanticCustomError("sentence", text)


def whole_number(name: str) -> Callable[[Any], int]:
    """Reads an integer as people write it; anything else is refused by name."""

    def read(text: Any) -> int:
        if isinstance(text, int):
            return text
        digits = text.removeprefix("-").removeprefix("+")
        if not digits.isascii() or not digits.isdigit() or len(text) - len(digits) > 1:
            raise sentence(f"{name} must be an integer")
        number = int(digits.lstrip("0")[:30] or "0")  # as long as it can matter; longer ones are refused by Python
        return -number if text.startswith("-") else number

    return read


def _clamped(name: str, lowest: int, highest: int) -> BeforeValidator:
    read = whole_number(name)
    return BeforeValidator(lambda text: min(max(read(text), lowest), highest))


def _instant(name: str) -> BeforeValidator:
    def read(text: str) -> datetime:
        try:
            return read_timestamp(text)
        except ValueError:
            raise sentence(f"{name} must be a valid ISO-8601 timestamp") from None

    return BeforeValidator(read)


def one_of(name: str, *choices: str) -> BeforeValidator:
    """Takes one of a few words."""

    def read(text: str) -> str:
        if text not in choices:
            raise sentence(f"{name} must be one of: {', '.join(choices)}")
        return text

    return BeforeValidator(read)


def _window_seconds(text: Any) -> int:
    seconds = whole_number("window_seconds")(text)
    if not 10 <= seconds <= 3600:
        raise sentence("window_seconds must be between 10 and 3600")
    return seconds


def plain_text(name: str) -> BeforeValidator:
    """Takes any text but one with NUL; an empty one asks nothing."""

    def read(text: str | None) -> str | None:
        if text and "\0" in text:
            raise sentence(f"{name} must not contain NUL characters")
        return text or None

    return BeforeValidator(read)


def _condition(text: str | None) -> str | None:
    if not text or not text.strip():
        return None
    try:
        return read_predicate(text).text
    except PredicateFault as fault:
        place = "where" if fault.column is None else f"where, column {fault.column}"
        raise sentence(f"{place}: {fault}") from None


def _uuid(name: str) -> Callable[[str], UUID]:
    def read(text: str) -> UUID:
        try:
            return UUID(text)
        except ValueError:
            raise sentence(f"{name} must be a valid UUID") from None

    return read


def _group(text: str | None) -> str | None:
    """A JSON object of path to value, its paths in their normal form."""
    if not text:
        return None
    try:
        check_object(text, deepest=_DEEPEST_GROUP)
        values = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        return msgspec.json.encode({normal_path(path): value for path, value in values.items()}).decode()
    except (Refused, PathFault, msgspec.DecodeError, UnicodeEncodeError) as fault:
        raise sentence(f'group must be a JSON object such as {{"payload.ip":"10.0.0.1"}} ({fault})') from None


def cursor_of_form(pattern: str) -> tuple[Any, ...]:
    """What describes a parameter that takes the cursors of a list."""

    def read(text: str) -> str:
        if not is_cursor(pattern, text):
            raise sentence("cursor must be one that pagination.next gave")
        return text

    shown = WithJsonSchema({"type": "string", "pattern": pattern})
    return BeforeValidator(read), shown, Query(description="`pagination.next` of the page before.")


STRING = WithJsonSchema({"type": "string", "pattern": "^[^\\u0000]*$"})
_INSTANT = WithJsonSchema({"type": "string", "format": "date-time"})

Limit = Annotated[int, _clamped("limit", 1, 500), Query(description="Rows of a page; brought into 1..500.")]
Offset = Annotated[int, _clamped("offset", 0, _DEEPEST_OFFSET), Query(description="Rows to leave out; at least 0.")]
EventCursor = Annotated[str | None, *cursor_of_form(EVENT_CURSOR)]
AnomalyCursor = Annotated[str | None, *cursor_of_form(ANOMALY_CURSOR)]
AlertCursor = Annotated[str | None, *cursor_of_form(ALERT_CURSOR)]
EventType = Annotated[str | None, plain_text("event_type"), STRING, Query(description="Events of this type only.")]
Source = Annotated[str | None, plain_text("source"), STRING, Query(description="Events of this source only.")]
Where = Annotated[
    str | None,
    BeforeValidator(_condition),
    WithJsonSchema({"type": "string", "maxLength": LONGEST_PREDICATE, "pattern": "^[^\\u0000]*$"}),
    Query(description="An SQL condition as in the filters of rules: payload.status >= 500 and source <> 'test'."),
]
RuleOrName = Annotated[
    str | None,
    plain_text("rule_id"),
    STRING,
    Query(alias="rule_id", description="Of this rule: its id, or a name it has or had."),
]
Severity = Annotated[str | None, plain_text("severity"), STRING, Query(description="critical, warning or info.")]


def in_order(since: datetime | None, until: datetime | None) -> None:
    """Refuse a stretch that ends before it begins."""
    if since is not None and until is not None and since > until:
        raise HTTPException(400, "from must not be after to")


From = Annotated[
    datetime | None, _instant("from"), _INSTANT, Query(alias="from", description="First instant, included.")
]
To = Annotated[datetime | None, _instant("to"), _INSTANT, Query(alias="to", description="Last instant, included.")]
AnomalyState = Annotated[
    Literal["current", "retracted", "all"],
    one_of("state", "current", "retracted", "all"),
    Query(description="Anomalies that hold (the default), those that later events disproved, or all."),
]
AnomalyOrigin = Annotated[
    Literal["live", "late", "backfill", "rerun", "import"] | None,
    one_of("origin", "live", "late", "backfill", "rerun", "import"),
    Query(description="What found them."),
]
Group = Annotated[
    str | None,
    BeforeValidator(_group),
    STRING,
    Query(
        description="Of groups that have these values, as a JSON object: all of a group's paths, or some of them.",
        examples=['{"payload.ip":"10.0.0.1"}'],
    ),
]
AlertId = Annotated[
    UUID | None,
    BeforeValidator(_uuid("alert_id")),
    WithJsonSchema({"type": "string", "format": "uuid"}),
    Query(description="Gathered in this alert."),
]
GroupBy = Annotated[
    Literal["event_type", "source"],
    one_of("group_by", "event_type", "source"),
    Query(description="What to count by."),
]
WindowSeconds = Annotated[
    int,
    BeforeValidator(_window_seconds),
    WithJsonSchema({"type": "integer", "minimum": 10, "maximum": 3600}),
    Query(description="How far to look back from now."),
]
BucketSeconds = Annotated[
    int,
    _clamped("bucket_seconds", 60, 31 * 86_400),
    Query(description="Length of a bucket; brought into 60..2678400 and rounded up to whole minutes."),
]
MostKeys = Annotated[
    int,
    _clamped("top", 1, 50),
    Query(description="So many keys have a series of their own; brought into 1..50."),
]
