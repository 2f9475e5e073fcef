"""The shapes of deliveries."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from eventpulse.intake.event_model import JsonObject
from ingest_api.payloads import Answer, Pagination

State = Literal["waiting", "sending", "sent", "held", "failed", "gave_up"]
Kind = Literal["firing", "resolved", "test", "digest"]


class Delivery(Answer):
    """What became of alerts on a channel: a message, or the reason why there is none."""

    delivery_id: UUID
    channel_id: Annotated[UUID | None, Field(description="null: no channel is for these alerts.")]
    channel_name: str
    alert_ids: Annotated[list[UUID], Field(max_length=100, description="The first hundred.")]
    alerts: Annotated[int, Field(description="How many alerts it is about.")]
    kind: Kind
    reminder: bool
    state: State
    reason: str
    due_at: Annotated[datetime | None, Field(description="When it is sent, tried again, or looked at again.")]
    attempts: int
    last_error: str | None
    subject: str | None
    created_at: datetime
    attempted_at: datetime | None
    sent_at: datetime | None


class DeliveryDetail(Delivery):
    """A delivery with the message it carries, once that is written."""

    message: JsonObject | None


class DeliveryPage(Answer):
    """Deliveries, the newest first."""

    data: list[Delivery]
    pagination: Pagination
