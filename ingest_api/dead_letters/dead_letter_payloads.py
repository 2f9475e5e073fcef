"""The shapes of the answers about dead letters."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from eventpulse.intake.event_model import JsonObject
from ingest_api.payloads import Answer, Pagination, RequestIssue

State = Literal["open", "redriving", "redriven", "discarded"]
Cause = Literal["unreadable", "refused", "future"]


class DeadLetter(Answer):
    """An event that could not be stored. `raw` is what came in, to the byte, and never changes."""

    dead_letter_id: int
    state: State
    cause: Annotated[Cause, Field(description="No event, refused by PostgreSQL, or too far in the future.")]
    reason: str
    received_at: datetime
    batch_id: int
    entry: Annotated[str, Field(description="The stream entry it came in.")]
    line: Annotated[int, Field(description="Its line in the entry, counted from 0.")]
    raw: str
    raw_encoding: Literal["text", "base64"]
    raw_bytes: Annotated[int, Field(description="How long it is; in a list, `raw` may be only its beginning.")]
    event_id: Annotated[UUID | None, Field(description="The id under which it was, or would be, redriven.")]
    edited: Annotated[JsonObject | None, Field(description="The event that stands in for what came in.")]
    edited_at: datetime | None
    redriving_since: datetime | None
    closed_at: datetime | None
    created_at: datetime


class DeadLetterDetail(DeadLetter):
    """A dead letter, whole."""

    event: Annotated[JsonObject | None, Field(description="What would be redriven, as it would be sent; to be edited.")]
    issues: Annotated[list[RequestIssue], Field(description="Why it can't be redriven as it is; empty if it can.")]


class DeadLetterPage(Answer):
    """Dead letters, the newest first."""

    data: list[DeadLetter]
    pagination: Pagination


class Redriven(Answer):
    """The event is in the stream, and on disk there; with `dry_run`, nothing was done."""

    status: Literal["accepted", "would be accepted"]
    dead_letter_id: int
    event_id: UUID


class UnfitLetter(Answer):
    """A letter that can't be redriven as it is."""

    dead_letter_id: int
    issues: list[RequestIssue]


class ManyRedriven(Answer):
    """`redriven` letters are in the stream, or with `dry_run` would be; `unfit` names a hundred that can't be."""

    dry_run: bool
    redriven: int
    unfit_count: int
    unfit: Annotated[list[UnfitLetter], Field(max_length=100)]
    remaining: Annotated[int, Field(description="Letters that match and were not looked at, for the limit.")]
