"""Write what rules found: anomalies, retractions, and how far each rule has got."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import polars as pl
import psycopg

# The same anomaly found again is the same row: it only comes back to life where it had been retracted.
_SAVE = """
insert into eventpulse.anomalies as a
    (anomaly_id, rule_id, rule_version, severity, message, "group", group_key, event_id, position, occurred_at, value,
     threshold, expected, window_start, window_end, contributing, contributing_count, origin, batch_id, dagster_run_id,
     alert_id)
values
    (%(anomaly_id)s, %(rule_id)s, %(rule_version)s, %(severity)s, %(message)s, %(group)s::json, %(group_key)s,
     %(event_id)s, %(position)s, %(occurred_at)s, %(value)s, %(threshold)s, %(expected)s, %(window_start)s,
     %(window_end)s, %(contributing)s::uuid[], %(contributing_count)s, %(origin)s, %(batch_id)s, %(run_id)s,
     %(alert_id)s)
on conflict (anomaly_id) do update set state = 'current', retracted_at = null, message = excluded.message,
    value = excluded.value, threshold = excluded.threshold, expected = excluded.expected,
    window_start = excluded.window_start, window_end = excluded.window_end,
    contributing = excluded.contributing, contributing_count = excluded.contributing_count,
    detected_at = excluded.detected_at, origin = excluded.origin, batch_id = excluded.batch_id,
    dagster_run_id = excluded.dagster_run_id, alert_id = excluded.alert_id
where a.state = 'retracted'
"""


@dataclass(frozen=True)
class Progress:
    """How far live detection has got with a rule. `failures` counts batches in a row in which it failed; `limited_why`
    is a sentence about a rule that has too many groups."""

    rule_id: UUID
    semantic_hash: str
    newest_event_at: datetime | None = None
    judged_through: datetime | None = None
    failures: int = 0
    last_error: str | None = None
    suspended_at: datetime | None = None
    limited_at: datetime | None = None
    limited_why: str | None = None

    @property
    def rests(self) -> bool:
        """Whether the rule is not judged until it is changed or resumed."""
        return self.suspended_at is not None or self.limited_at is not None


def save_anomalies(
    connection: psycopg.Connection,
    anomalies: pl.DataFrame,
    *,
    batch_id: int,
    run_id: str | None,
    alert_of: Mapping[str, str] | None = None,
) -> None:
    """Insert anomalies (ANOMALY_SCHEMA plus `origin`), each as one of its alert, inside the caller's transaction. Safe
    to repeat."""
    common, alert_of = {"batch_id": batch_id, "run_id": run_id}, alert_of or {}
    with connection.cursor() as cursor:
        cursor.executemany(
            _SAVE,
            [row | common | {"alert_id": alert_of.get(row["anomaly_id"])} for row in anomalies.iter_rows(named=True)],
        )


def restate_anomalies(connection: psycopg.Connection, anomalies: pl.DataFrame) -> None:
    """Let anomalies that stand say what they say now (ANOMALY_SCHEMA), inside the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            update eventpulse.anomalies set message = %(message)s, value = %(value)s, threshold = %(threshold)s,
                expected = %(expected)s, window_start = %(window_start)s, window_end = %(window_end)s,
                contributing = %(contributing)s::uuid[], contributing_count = %(contributing_count)s
            where anomaly_id = %(anomaly_id)s
            """,
            list(anomalies.iter_rows(named=True)),
        )


def retract_anomalies(connection: psycopg.Connection, anomaly_ids: Sequence[str]) -> None:
    """Mark anomalies that no longer hold; they are kept, and belong to no alert any more."""
    connection.execute(
        "update eventpulse.anomalies set state = 'retracted', retracted_at = clock_timestamp(), alert_id = null"
        " where anomaly_id = any(%s::uuid[]) and state = 'current'",
        (list(anomaly_ids),),
    )


def save_progress(connection: psycopg.Connection, progress: Sequence[Progress]) -> None:
    """Replace the progress of some rules, inside the caller's transaction."""
    connection.execute(
        """
        insert into eventpulse.rule_progress
            (rule_id, semantic_hash, newest_event_at, judged_through, failures, last_error, suspended_at, limited_at,
             limited_why)
        select * from unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::int[], %s::text[],
                             %s::timestamptz[], %s::timestamptz[], %s::text[])
        on conflict (rule_id) do update set semantic_hash = excluded.semantic_hash,
            newest_event_at = excluded.newest_event_at, judged_through = excluded.judged_through,
            failures = excluded.failures, last_error = excluded.last_error, suspended_at = excluded.suspended_at,
            limited_at = excluded.limited_at, limited_why = excluded.limited_why
        """,
        (
            [rule.rule_id for rule in progress],
            [rule.semantic_hash for rule in progress],
            [rule.newest_event_at for rule in progress],
            [rule.judged_through for rule in progress],
            [rule.failures for rule in progress],
            [rule.last_error for rule in progress],
            [rule.suspended_at for rule in progress],
            [rule.limited_at for rule in progress],
            [rule.limited_why for rule in progress],
        ),
    )


def load_progress(connection: psycopg.Connection) -> Mapping[UUID, Progress]:
    """How far live detection has got, by rule."""
    rows = connection.execute(
        "select rule_id, semantic_hash, newest_event_at, judged_through, failures, last_error, suspended_at,"
        " limited_at, limited_why from eventpulse.rule_progress"
    ).fetchall()
    return {row[0]: Progress(*row) for row in rows}
