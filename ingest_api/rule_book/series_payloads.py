"""The shapes of a rule's course over time."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from eventpulse.intake.event_model import JsonObject
from ingest_api.payloads import Answer
from rules.conditions import TYPES


class SeriesRequest(BaseModel):
    """A draft or the id of a rule that stands, one of its groups, and the stretch of event time to show."""

    rule: Annotated[JsonObject | None, Field(description="A rule as for `POST /rules`.")] = None
    rule_id: Annotated[UUID | None, Field(description="Instead of `rule`: one that stands.")] = None
    group: Annotated[
        JsonObject | None,
        Field(description="A value for each path of `group_by`. Without it, the group with most anomalies is shown."),
    ] = None
    start: Annotated[datetime, Field(alias="from", description="First instant, included.")]
    end: Annotated[datetime, Field(alias="to", description="Before this instant.")]


class SeriesPoint(Answer):
    """What holds from an instant on."""

    at: datetime
    value: Annotated[float | None, Field(description="What the condition looks at; null where there is nothing.")]
    threshold: Annotated[float | None, Field(description="What the value is held against.")]
    low: Annotated[float | None, Field(description="The value was expected to be at least this.")]
    high: Annotated[float | None, Field(description="The value was expected to be at most this.")]
    true: Annotated[bool, Field(description="Whether the condition holds, `for_seconds` and the like aside.")]


class SeriesAnomaly(Answer):
    """One anomaly that the rule has there."""

    at: datetime
    value: float | None
    message: str


class RuleSeries(Answer):
    """The course of a rule for one group. Points are those at which something changes, thinned without hiding peaks."""

    kind: Annotated[str, Field(json_schema_extra={"enum": list(TYPES)})]
    unit: Annotated[str, Field(description="What values are counted in: events, s, payload.ms, %; may be empty.")]
    shape: Annotated[
        Literal["steps", "line", "events"],
        Field(description="Whether a point holds until the next, points are joined by a line, or each is an event."),
    ]
    group: Annotated[JsonObject | None, Field(description="The group that is shown; null where there is none.")]
    points: list[SeriesPoint]
    anomalies: list[SeriesAnomaly]
    anomaly_count: Annotated[int, Field(description="All anomalies there; those listed are thinned as points are.")]
