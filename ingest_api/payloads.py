"""The shapes of the API as its OpenAPI document tells them.

What an event has to look like to be taken is described in eventpulse/intake/event_model.py.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from eventpulse.intake.event_model import JsonObject

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


class EventPagination(Pagination):
    """Of a search: a page may be short and have a `next` all the same, since a search looks at a bounded number of
    rows."""

    scanned: Annotated[int, Field(ge=0, description="Rows that a search looked at; there with `where` alone.")] = 0


class EventPage(Answer):
    """Events, newest stored first."""

    data: list[StoredEvent]
    pagination: EventPagination
