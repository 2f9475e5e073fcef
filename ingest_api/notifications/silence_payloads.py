"""The shapes of silences and inhibitions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from eventpulse.intake.event_model import JsonObject
from ingest_api.notifications.channel_payloads import MATCHER
from ingest_api.payloads import Answer

Matcher = Annotated[JsonObject, Field(description=MATCHER)]


class SilenceIn(BaseModel):
    """A silence. Without `starts_at` it begins now; without `owner` it is that of the API key."""

    model_config = ConfigDict(title="Silence as sent", extra="forbid")

    matcher: Matcher
    reason: Annotated[str, Field(min_length=1, max_length=1_000)]
    ends_at: datetime
    starts_at: datetime | None = None
    owner: Annotated[str | None, Field(max_length=255)] = None


class MatcherIn(BaseModel):
    """A matcher to be tried."""

    model_config = ConfigDict(title="Matcher as sent", extra="forbid")

    matcher: Matcher


class Silence(Answer):
    """A silence."""

    silence_id: UUID
    matcher: JsonObject
    owner: str
    reason: str
    starts_at: datetime
    ends_at: datetime
    state: Literal["pending", "active", "expired"]
    created_at: datetime


class HiddenAlert(Answer):
    """An alert that would have been silent."""

    alert_id: UUID
    rule_id: UUID
    rule_name: str
    severity: str
    group: JsonObject
    state: str
    opened_at: datetime


class SilencePreview(Answer):
    """What a matcher would have hidden of the last 24 hours."""

    alerts: Annotated[int, Field(description="Alerts made in the last 24 hours that match, of at most 50,000.")]
    messages: Annotated[int, Field(description="Messages sent in the last 24 hours that told of nothing else.")]
    by_rule: Annotated[dict[str, int], Field(description="Alerts by the name of their rule.")]
    newest: Annotated[list[HiddenAlert], Field(max_length=50)]


class InhibitionIn(BaseModel):
    """While an alert that `source` matches fires, those that `target` matches are held."""

    model_config = ConfigDict(title="Inhibition as sent", extra="forbid")

    source: Matcher
    target: Matcher
    equal: Annotated[
        list[str], Field(max_length=10, description="Where both mean the same by these: labels.x, group.payload.ip.")
    ] = []


class Inhibition(Answer):
    """An inhibition."""

    inhibition_id: UUID
    source: JsonObject
    target: JsonObject
    equal: list[str]
    created_at: datetime
