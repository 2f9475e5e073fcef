"""The shapes of alerts as the OpenAPI document tells them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from eventpulse.intake.event_model import JsonObject
from ingest_api.anomaly_payloads import Anomaly, MicroBatch
from ingest_api.payloads import Answer, Pagination, StoredEvent

LONGEST_NAME, LONGEST_NOTE = 255, 2_000
#: So many alerts are changed in one transaction.
MOST_AT_ONCE = 1_000


class Alert(Answer):
    """An episode of one rule and group. `opened_at`, `last_at` and `ended_at` are event times: of the first anomaly, of
    the newest, and when the condition ended, as far as that is known. The other times are those of the clock."""

    alert_id: UUID
    rule_id: UUID
    rule_name: Annotated[str, Field(description="What the rule was called when it opened.")]
    rule_version: int
    severity: Literal["critical", "warning", "info"]
    mode: Literal["live", "shadow"]
    labels: dict[str, str]
    group: JsonObject
    group_key: int
    state: Literal["open", "acknowledged", "resolved"]
    opened_at: datetime
    last_at: datetime
    ended_at: datetime | None
    created_at: datetime
    updated_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    resolution: Annotated[
        Literal["ended", "person", "retracted", "rule_removed"] | None,
        Field(
            description="Why it is resolved: its condition ended, a person did it, none of its anomalies holds any "
            "more, or its rule was deleted, disabled or given another meaning."
        ),
    ]
    anomaly_count: int
    message: Annotated[str, Field(description="Of the newest anomaly, as value, threshold and expected are.")]
    value: float | None
    threshold: float | None
    expected: str | None
    first_anomaly_id: UUID
    latest_anomaly_id: UUID
    origin: Literal["live", "late", "backfill", "rerun", "import"]
    batch_id: int
    dagster_run_id: str | None


class AlertPage(Answer):
    """Alerts, those made last first."""

    data: list[Alert]
    pagination: Pagination


class BySeverity(Answer):
    """How many there are of each severity."""

    critical: int
    warning: int
    info: int


class AlertSummary(Answer):
    """How many alerts have not been resolved."""

    open: BySeverity
    acknowledged: BySeverity


class HappenedToAlert(Answer):
    """One thing that became of an alert; by `eventpulse` where nobody else did it."""

    at: datetime
    what: Literal["opened", "acknowledged", "unacknowledged", "resolved", "reopened", "noted"]
    by: str
    note: str | None


class AlertDetail(Alert):
    """An alert with its history and where it comes from."""

    rule: Annotated[JsonObject | None, Field(description="The rule as it read when the alert opened.")]
    runbook: Annotated[str | None, Field(description="The label `runbook`, where it is an http or https address.")]
    history: list[HappenedToAlert]
    anomalies: Annotated[list[Anomaly], Field(max_length=50, description="The newest of those that hold.")]
    events: Annotated[list[StoredEvent], Field(description="Those that led to its newest anomaly and are still kept.")]
    batch: Annotated[MicroBatch | None, Field(description="The micro-batch that opened it.")]
    dagster_run_url: str | None


class AlertWish(BaseModel):
    """Who does something to an alert, and why. Without `by` it is the API key's name, or `somebody`."""

    model_config = ConfigDict(title="Alert change as sent", extra="forbid")

    by: Annotated[str | None, Field(min_length=1, max_length=LONGEST_NAME)] = None
    note: Annotated[str | None, Field(min_length=1, max_length=LONGEST_NOTE)] = None


class AlertsWish(AlertWish):
    """Many alerts, who does something to them, and why."""

    model_config = ConfigDict(title="Change of many alerts as sent", extra="forbid")

    alert_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_AT_ONCE)]


class UnchangedAlert(Answer):
    """An alert that is as it was."""

    alert_id: UUID
    state: Annotated[
        Literal["open", "acknowledged", "resolved"] | None, Field(description="null: there is no such alert.")
    ]


class ChangedAlerts(Answer):
    """What became of the alerts that were named, in the order in which they were."""

    changed: list[UUID]
    unchanged: list[UnchangedAlert]
