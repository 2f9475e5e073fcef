"""The shapes of trying rules over history."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field

from eventpulse.intake.event_model import JsonObject
from ingest_api.payloads import Answer


class BacktestRequest(BaseModel):
    """A draft or the id of a rule that stands, and the stretch of event time to try it on."""

    rule: Annotated[JsonObject | None, Field(description="A rule as for `POST /rules`.")] = None
    rule_id: Annotated[UUID | None, Field(description="Instead of `rule`: one that stands.")] = None
    start: Annotated[datetime, Field(alias="from", description="First instant, included.")]
    end: Annotated[datetime, Field(alias="to", description="Before this instant.")]
    sweep: Annotated[
        dict[str, list[Any]],
        Field(description="Values to try at places such as condition.value: every combination is a variant."),
    ] = {}


class BacktestDay(Answer):
    """One UTC day; an alert counts on the day it opens."""

    day: date
    anomalies: int
    alerts: int


class BacktestDifference(Answer):
    """Held against the anomalies that stand for the rule: the same ones, new ones, and those that would be gone."""

    same: int
    new: int
    gone: int


class BacktestExample(Answer):
    """One anomaly that there would have been."""

    occurred_at: datetime
    group: JsonObject
    event_id: UUID | None
    value: float | None
    threshold: float | None
    message: str


class BacktestChannel(Answer):
    """What one channel would have been given, as it is now: alerts that are for it, and the messages they make."""

    name: str
    alerts: int
    messages: int


class BacktestVariant(Answer):
    """What would have come of one variant of the rule."""

    parameters: JsonObject
    anomalies: int
    alerts: int
    notifications: Annotated[
        int,
        Field(
            description="Messages that tell of alerts which opened, over all channels as they are now: grouped, inside "
            "active hours, without silences. None in shadow mode."
        ),
    ]
    channels: list[BacktestChannel]
    for_nobody: Annotated[int, Field(description="Alerts that no channel takes, or all of them in shadow mode.")]
    groups: int
    difference: BacktestDifference
    by_day: list[BacktestDay]
    examples: Annotated[list[BacktestExample], Field(description="The first ones.")]
    fault: Annotated[str | None, Field(description="Why it could not be evaluated.")]


class Backtested(Answer):
    """What would have been. Nothing was stored or sent."""

    start: Annotated[datetime, Field(alias="from")]
    end: Annotated[datetime, Field(alias="to")]
    events: int
    variants: list[BacktestVariant]
