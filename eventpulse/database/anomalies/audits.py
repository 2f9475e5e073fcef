"""Write down audits, and read what they need to know of the rules besides: failures, suspensions, silence."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

import psycopg
from psycopg.types.json import Json

from eventpulse.clock import iso_utc
from eventpulse.database.anomalies.standing import Sample


@dataclass(frozen=True)
class Finding:
    """What an audit of a day says of one rule. `remarks` are sentences, `samples` some of the differences."""

    rule_id: UUID
    rule_version: int
    rule_name: str
    computed: int = 0
    standing: int = 0
    missing: int = 0
    extra: int = 0
    changed: int = 0
    remarks: Sequence[str] = ()
    samples: Sequence[Sample] = ()

    @property
    def differs(self) -> bool:
        """Whether computed and standing anomalies are not the same."""
        return bool(self.missing or self.extra or self.changed)


@dataclass(frozen=True)
class DayAudit:
    """One closed day, evaluated afresh and compared with what stands."""

    day: date
    events: int
    findings: Sequence[Finding]
    started_at: datetime
    dagster_run_id: str | None = None
    repaired: bool = False

    def total(self, name: str) -> int:
        """The sum of one of the findings' counts."""
        return sum(getattr(finding, name) for finding in self.findings)

    @property
    def agrees(self) -> bool:
        """Whether nothing is missing, extra or changed."""
        return not any(finding.differs for finding in self.findings)


@dataclass(frozen=True)
class Troubles:
    """What befell the rules on a day: the micro-batches in which each failed, since when some are suspended or
    limited, and which have never had an anomaly, with when they were made."""

    failures: dict[UUID, int] = field(default_factory=dict)
    suspended: dict[UUID, datetime] = field(default_factory=dict)
    limited: dict[UUID, datetime] = field(default_factory=dict)
    silent: dict[UUID, datetime] = field(default_factory=dict)


def save_audit(connection: psycopg.Connection, audit: DayAudit) -> int:
    """Add an audit with its findings; its number."""
    with connection.transaction():
        row = connection.execute(
            """
            insert into eventpulse.audits
                (day, rules, events, computed, standing, missing, extra, changed, repaired, dagster_run_id, started_at)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning audit_id
            """,
            (
                *(audit.day, len(audit.findings), audit.events),
                *(audit.total(name) for name in ("computed", "standing", "missing", "extra", "changed")),
                *(audit.repaired, audit.dagster_run_id, audit.started_at),
            ),
        ).fetchone()
        assert row is not None
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into eventpulse.audit_findings (audit_id, rule_id, rule_version, rule_name, computed, standing,"
                " missing, extra, changed, remarks, samples) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                [_values(row[0], finding) for finding in audit.findings],
            )
    number: int = row[0]
    return number


def mark_repaired(connection: psycopg.Connection, audit_id: int) -> None:
    """Note that the differences an audit found are no more."""
    connection.execute("update eventpulse.audits set repaired = true where audit_id = %s", (audit_id,))


def days_to_audit(connection: psycopg.Connection, since: date, before: date) -> list[date]:
    """The days with events, from one day to before another, of which something was stored or evaluated after their last
    audit, or which have had none; the oldest first."""
    rows = connection.execute(
        """
        with days as (
            select (minute at time zone 'UTC')::date as day from eventpulse.event_rollups
            where minute >= %(since)s and minute < %(before)s group by 1
        )
        select day from days d where coalesce(
            (select max(finished_at) from eventpulse.audits a where a.day = d.day)
            < (select max(updated_at) from eventpulse.coverage c where c.day = d.day),
            not exists (select from eventpulse.audits a where a.day = d.day))
        order by day
        """,
        {"since": since, "before": before},
    ).fetchall()
    return [row[0] for row in rows]


def troubles(connection: psycopg.Connection, start: datetime, end: datetime) -> Troubles:
    """What befell rules in the micro-batches that were committed in a stretch of time, and how they are now."""
    failures = connection.execute(
        """
        select failed::uuid, count(*) from eventpulse.batches b, json_object_keys(b.rule_errors) as failed
        where b.committed_at >= %s and b.committed_at < %s and b.rule_errors::text <> '{}' group by 1
        """,
        (start, end),
    ).fetchall()
    suspended = connection.execute(
        "select rule_id, suspended_at from eventpulse.rule_progress where suspended_at is not null"
    ).fetchall()
    limited = connection.execute(
        "select rule_id, limited_at from eventpulse.rule_progress where limited_at is not null"
    ).fetchall()
    silent = connection.execute(
        "select rule_id, created_at from eventpulse.rules r"
        " where not exists (select from eventpulse.anomalies a where a.rule_id = r.rule_id)"
    ).fetchall()
    return Troubles(dict(failures), dict(suspended), dict(limited), dict(silent))


def _values(audit_id: int, finding: Finding) -> tuple[object, ...]:
    samples = [
        {
            "what": sample.what,
            "anomaly_id": str(sample.anomaly_id),
            "occurred_at": iso_utc(sample.occurred_at),
            "group": sample.group,
        }
        for sample in finding.samples
    ]
    counts = (finding.computed, finding.standing, finding.missing, finding.extra, finding.changed)
    return (
        *(audit_id, finding.rule_id, finding.rule_version, finding.rule_name, *counts),
        *(list(finding.remarks), Json(samples)),
    )
