"""The shapes of the API as its OpenAPI document tells them.

Events are read by the compiled decoder in sent_events.py; `EventIn` describes the same thing and names the faults.
A test holds the two together.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from ingest_api.intake.event_id import EVENT_ID_SCHEMA_PATTERN
from ingest_api.intake.sent_events import NAME_LENGTH
from ingest_api.timestamps import read_timestamp

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


JSON_OBJECT_SCHEMA: dict[str, Any] = {
    "propertyNames": {"pattern": "^[^\\u0000]*$"},
    "additionalProperties": {"$ref": "#/components/schemas/JsonValue"},
}
#: Strings without NUL, numbers within the range of a double, and what can be built of them.
JSON_VALUE_SCHEMA: dict[str, Any] = {
    "title": "JsonValue",
    "description": "Any JSON value that PostgreSQL can hold.",
    "anyOf": [
        {"type": "null"},
        {"type": "boolean"},
        {"type": "number", "description": "Within the range of a double."},
        {"type": "string", "pattern": "^[^\\u0000]*$"},
        {"type": "array", "items": {"$ref": "#/components/schemas/JsonValue"}},
        {"type": "object", **JSON_OBJECT_SCHEMA},
    ],
}


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EventAccepted(Answer):
    """The event is in the stream, and on disk there."""

    status: Literal["accepted"]
    event_id: UUID


class BatchAccepted(Answer):
    """Every event of the batch is in the stream, and on disk there."""

    status: Literal["accepted"]
    count: Annotated[int, Field(ge=1)]
    event_ids: Annotated[list[UUID], Field(description="In the order of the batch.")]


class RequestIssue(Answer):
    """One fault of a request."""

    path: Annotated[list[str | int], Field(description="Where; in a batch it begins with the index of the event.")]
    message: str
    code: str


class RefusedInBatch(Answer):
    """An event that was left out."""

    index: Annotated[int, Field(ge=0, description="Its place in the batch.")]
    issues: list[RequestIssue]


class BatchPartlyAccepted(Answer):
    """Every event of the batch is in the stream and on disk there, except those that were refused."""

    status: Literal["accepted"]
    count: Annotated[int, Field(ge=0)]
    event_ids: Annotated[list[UUID], Field(description="Of the events that were taken, in the order of the batch.")]
    refused: list[RefusedInBatch]


class ValidationFailed(Answer):
    """Nothing of the request was taken."""

    error: Literal["Validation failed"]
    issues: Annotated[list[RequestIssue], Field(min_length=1, max_length=100, description="The first hundred.")]


class Error(Answer):
    """What went wrong, as a sentence."""

    error: str


class Pagination(Answer):
    """`count` is the rows of this page; `next` continues behind them without gap or repetition."""

    limit: int
    offset: int
    count: int
    next: Annotated[str | None, Field(description="Give it back as `cursor`. null: this was the last page.")]


class StoredEvent(Answer):
    """An event as it is stored."""

    event_id: UUID
    event_type: str
    source: str
    timestamp: datetime
    payload: JsonObject
    metadata: JsonObject
    created_at: datetime
    received_at: datetime
    origin: str
    batch_id: int


class EventPage(Answer):
    """Events, newest stored first."""

    data: list[StoredEvent]
    pagination: Pagination
