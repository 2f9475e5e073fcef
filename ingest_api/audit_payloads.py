"""The shapes of what is answered about audits and coverage."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from ingest_api.payloads import Answer, Pagination


class AuditSample(Answer):
    """One anomaly that differs: missing (it does not stand), extra (it should not) or changed (it says otherwise)."""

    what: Literal["missing", "extra", "changed"]
    anomaly_id: UUID
    occurred_at: datetime
    group: Annotated[str, Field(description="JSON text of path to value.")]


class AuditFinding(Answer):
    """What an audit says of one rule."""

    rule_id: UUID
    rule_version: int
    rule_name: str
    computed: int
    standing: int
    missing: int
    extra: int
    changed: int
    remarks: Annotated[list[str], Field(description="Gaps, failures, silence, noise, and limits that come near.")]
    samples: list[AuditSample]


class Audit(Answer):
    """A closed day, evaluated afresh and compared with the anomalies that stand. `findings` has the rules of which
    there is anything to say."""

    audit_id: int
    day: date
    agrees: bool
    repaired: Annotated[bool, Field(description="Its differences are no more, according to a later audit.")]
    rules: int
    events: int
    computed: int
    standing: int
    missing: int
    extra: int
    changed: int
    findings: list[AuditFinding]
    started_at: datetime
    finished_at: datetime
    dagster_run_id: str | None
    dagster_run_url: str | None


class AuditPage(Answer):
    """Audits, the newest first."""

    data: list[Audit]
    pagination: Pagination


class Gap(Answer):
    """A stretch of a day that a rule has not evaluated: from an instant to before another."""

    rule_id: UUID
    rule_name: str
    start: Annotated[datetime, Field(alias="from")]
    end: Annotated[datetime, Field(alias="to")]


class DayOfCoverage(Answer):
    """A UTC day of event time, and what enabled rules have not evaluated of it."""

    day: date
    events: int
    complete: bool
    gaps: list[Gap]


class CoveragePage(Answer):
    """Days with events, the newest first."""

    data: list[DayOfCoverage]
    pagination: Pagination
