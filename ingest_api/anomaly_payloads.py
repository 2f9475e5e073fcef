"""The shapes of anomalies as the OpenAPI document tells them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from eventpulse.intake.event_model import JsonObject
from ingest_api.payloads import Answer, Pagination, StoredEvent


class Anomaly(Answer):
    """An anomaly. `occurred_at` is event time; `detected_at` is when it was stored."""

    anomaly_id: UUID
    event_id: UUID | None
    rule_id: UUID
    rule_name: str | None
    rule_version: int
    severity: Literal["critical", "warning", "info"]
    message: str
    detected_at: datetime
    occurred_at: datetime
    group: JsonObject
    value: float | None
    threshold: float | None
    expected: str | None
    window_start: datetime
    window_end: datetime
    contributing: Annotated[list[UUID], Field(max_length=20)]
    contributing_count: int
    origin: Literal["live", "late", "backfill", "rerun", "import"]
    state: Literal["current", "retracted"]
    retracted_at: datetime | None
    batch_id: int
    dagster_run_id: str | None
    alert_id: Annotated[UUID | None, Field(description="The alert that gathers it.")]


class AnomalyPage(Answer):
    """Anomalies, newest detected first."""

    data: list[Anomaly]
    pagination: Pagination


class MicroBatch(Answer):
    """The micro-batch that found an anomaly."""

    batch_id: int
    origin: str
    taken: int
    stored: int
    duplicates: int
    dead_lettered: int
    started_at: datetime
    committed_at: datetime
    dagster_run_id: str | None


class AnomalyDetail(Anomaly):
    """An anomaly with where it comes from."""

    rule: Annotated[JsonObject | None, Field(description="The rule as it read when it fired.")]
    events: Annotated[list[StoredEvent], Field(description="The contributing events that are still kept.")]
    batch: MicroBatch | None
    dagster_run_url: str | None
