"""The shapes of channels as requests send them and answers show them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from eventpulse.intake.event_model import JsonObject
from ingest_api.payloads import Answer

MATCHER = (
    'Which alerts: `{"severity": [..], "rule": [names or ids, * as wildcard], "labels": {"team": [..]}, "group": '
    '{"payload.ip": ["10.0.*"]}, "origin": [..], "not": {..}}`. A single value stands for a list of one; every key '
    "must match; `{}` matches everything."
)
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Seconds = Annotated[int, Field(ge=0)]


class ActiveHours(BaseModel):
    """Hours of weekdays. Where `to` is not after `from`, they go over midnight."""

    model_config = ConfigDict(extra="forbid")

    days: list[Day] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    since: Annotated[str, Field(alias="from", pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    to: Annotated[str, Field(pattern="^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]


class ChannelIn(BaseModel):
    """A channel. `url` is an Apprise address (slack://…, mailtos://…, pagerduty://…), or that of a webhook."""

    model_config = ConfigDict(title="Channel as sent", extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=255)]
    url: Annotated[str, Field(description="Never shown again.")]
    kind: Literal["apprise", "webhook"] = "apprise"
    secret: Annotated[str | None, Field(min_length=16, description="Of a webhook: what signs it.")] = None
    enabled: bool = True
    matcher: Annotated[JsonObject, Field(description=MATCHER)] = {}
    group_by: Annotated[
        list[str], Field(max_length=10, description="Paths: rule, severity, labels.team, group.payload.ip.")
    ] = ["rule"]
    group_wait_seconds: Annotated[Seconds, Field(le=3_600)] = 10
    group_interval_seconds: Annotated[Seconds, Field(le=86_400)] = 60
    repeat_interval_seconds: Annotated[Seconds, Field(le=30 * 86_400, description="0 never reminds.")] = 14_400
    active_hours: Annotated[list[ActiveHours], Field(max_length=50, description="None: always.")] = []
    time_zone: str = "UTC"
    send_resolved: bool = True
    max_per_minute: Annotated[int, Field(ge=1, le=600)] = 20


class Channel(Answer):
    """A channel, without what is secret of it. While `waits_until` lies ahead, nothing is sent there."""

    channel_id: UUID
    name: str
    enabled: bool
    kind: Literal["apprise", "webhook"]
    url: Annotated[str, Field(description="Masked: only its scheme is shown.")]
    matcher: JsonObject
    group_by: list[str]
    group_wait_seconds: int
    group_interval_seconds: int
    repeat_interval_seconds: int
    active_hours: list[dict[str, Any]]
    time_zone: str
    send_resolved: bool
    max_per_minute: int
    state: Annotated[
        Literal["ok", "failing", "dead", "disabled"],
        Field(description="dead: five failures in a row; one message at a time tries whether it is back."),
    ]
    failures: Annotated[int, Field(description="In a row.")]
    last_error: str | None
    last_sent_at: datetime | None
    waits_until: datetime | None
    waits_why: str | None
    created_at: datetime
    updated_at: datetime
