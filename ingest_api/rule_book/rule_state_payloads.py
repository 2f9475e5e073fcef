"""The shapes of how rules are doing."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from ingest_api.payloads import Answer


class FiresOfDay(Answer):
    """Anomalies that occurred on a UTC day and still hold."""

    day: date
    count: Annotated[int, Field(ge=1)]


class RuleStateShown(Answer):
    """How one rule is doing."""

    rule_id: UUID
    name: str
    severity: Literal["critical", "warning", "info"]
    version: int
    state: Annotated[
        Literal["live", "shadow", "disabled", "suspended", "limited", "failing", "preparing"],
        Field(
            description="`failing`: its last micro-batches failed, and it is tried again. `suspended`: it failed too "
            "often and rests until it is edited or resumed. `limited`: it has more groups than `max_groups`, and rests "
            "likewise. `preparing`: it is new and looks back over all of history, which is being read; it is evaluated "
            "from then on."
        ),
    ]
    suspended_at: datetime | None
    limited_at: datetime | None
    limited_why: Annotated[str | None, Field(description="How many groups it has, and what to do about it.")]
    failures: Annotated[int, Field(ge=0, description="Micro-batches in a row that it failed in.")]
    last_error: str | None
    last_fired_at: Annotated[datetime | None, Field(description="Event time of its newest anomaly that holds.")]
    fires_by_day: Annotated[
        list[FiresOfDay], Field(max_length=14, description="Of the last 14 days, those on which it fired.")
    ]
    open_alerts: Annotated[int, Field(ge=0, description="Alerts that are not resolved.")]
