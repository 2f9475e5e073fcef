"""An event as people and the OpenAPI document read it: `EventIn` describes it, and names the faults.

Events are read by the compiled decoder in sent_events.py, which takes the same. A test holds the two together.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from eventpulse.intake.event_id import EVENT_ID_SCHEMA_PATTERN
from eventpulse.intake.sent_events import NAME_LENGTH
from eventpulse.intake.timestamps import read_timestamp

JsonObject = dict[str, Any]


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise PydanticCustomError("nul_character", "Must not contain NUL characters")
    return text


def _is_timestamp(text: str) -> str:
    try:
        read_timestamp(text)
    except ValueError as fault:
        why = str(fault)
        raise PydanticCustomError("timestamp", "Invalid datetime: {why}", {"why": why}) from None
    return text


def _no_default(schema: dict[str, Any]) -> None:
    """The server makes one; that is not a default a schema can name."""
    schema.pop("default", None)


Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=NAME_LENGTH),
    AfterValidator(_without_nul),
    Field(json_schema_extra={"pattern": "^[^\\u0000]*$"}),
]
SentTimestamp = Annotated[
    str,
    AfterValidator(_is_timestamp),
    Field(
        json_schema_extra={"format": "date-time"},
        description="ISO 8601 (RFC 3339) with `Z` or an offset; kept in microseconds, finer digits are rounded. "
        "Years 1 to 9999 in UTC; no leap seconds.",
    ),
]
SentId = Annotated[
    str,
    StringConstraints(pattern=EVENT_ID_SCHEMA_PATTERN),
    Field(
        json_schema_extra=lambda schema: (_no_default(schema), schema.update(format="uuid"))[0],
        description="Any UUID. The server makes one (version 7) where it is missing. "
        "An event that is sent again under its id is stored once.",
    ),
]


def _sent_object(description: str) -> Any:
    return Field(
        default={},
        description=f"{description} Kept and given back exactly as sent. No NUL characters, numbers within the range "
        "of a double, and no deeper than the limit on nesting.",
    )


class EventIn(BaseModel):
    """One event. Keys that are not listed are ignored; null does not stand for a missing value."""

    model_config = ConfigDict(title="Event", strict=True, extra="ignore")

    event_id: SentId = ""
    event_type: Name
    source: Name
    timestamp: SentTimestamp
    payload: JsonObject = _sent_object("What happened.")
    metadata: JsonObject = _sent_object("What is known about how it was sent.")
