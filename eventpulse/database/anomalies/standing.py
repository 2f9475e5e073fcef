"""Hold computed anomalies against those that stand, and make those that stand be the computed ones.

The comparison happens inside PostgreSQL, over temporary tables of the connection: `judged` says for each rule which
stretch of event time was computed, `computed` what came of it. What stands is what has the same rule and the same
meaning, is current, and occurred in that stretch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import polars as pl
import psycopg

from eventpulse.anomaly import ANOMALY_SCHEMA
from eventpulse.database.anomalies.coverage import MEANT_BY

#: So many differences of a rule are named.
MOST_SAMPLES = 20

_TABLES = """
create temporary table if not exists judged (
    rule_id uuid primary key, semantic_hash text not null, since timestamptz not null, until timestamptz not null
) on commit delete rows;
create temporary table if not exists computed (
    anomaly_id uuid primary key, rule_id uuid not null, rule_version integer not null, severity text not null,
    message text not null, "group" json not null, group_key bigint not null, event_id uuid, position bigint,
    occurred_at timestamptz not null, value double precision, threshold double precision, expected text,
    window_start timestamptz not null, window_end timestamptz not null, contributing uuid[] not null,
    contributing_count bigint not null
) on commit delete rows;
"""
_COLUMNS = (
    "anomaly_id",
    "rule_id",
    "rule_version",
    "severity",
    "message",
    "group",
    "group_key",
    "event_id",
    "position",
    "occurred_at",
    "value",
    "threshold",
    "expected",
    "window_start",
    "window_end",
    "contributing",
    "contributing_count",
)
_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)

_STANDING = f"""
standing as (
    select a.* from eventpulse.anomalies a join judged j on j.rule_id = a.rule_id
        join eventpulse.rule_versions v on v.rule_id = a.rule_id and v.version = a.rule_version
            and {MEANT_BY.format(meaning="j.semantic_hash")}
    where a.state = 'current' and a.occurred_at >= j.since and a.occurred_at < j.until
)
"""
_DIFFERS = """
    (s.value, s.threshold, s.expected, s.window_start, s.window_end, s.contributing_count, s.contributing)
    is distinct from
    (c.value, c.threshold, c.expected, c.window_start, c.window_end, c.contributing_count, c.contributing)
"""
_COMPARE = f"""
with {_STANDING}
select coalesce(s.rule_id, c.rule_id), count(c.anomaly_id), count(s.anomaly_id),
    count(*) filter (where s.anomaly_id is null), count(*) filter (where c.anomaly_id is null),
    count(*) filter (where s.anomaly_id is not null and c.anomaly_id is not null and {_DIFFERS}),
    max(coalesce(s.occurred_at, c.occurred_at)) filter (where s.anomaly_id is null or c.anomaly_id is null)
from standing s full join computed c using (anomaly_id) group by 1
"""
_SAMPLES = f"""
with {_STANDING}, differing as (
    select coalesce(s.rule_id, c.rule_id) as rule_id, anomaly_id, coalesce(s.occurred_at, c.occurred_at) as occurred_at,
        coalesce(s."group"::text, c."group"::text) as "group",
        case when s.anomaly_id is null then 'missing' when c.anomaly_id is null then 'extra' else 'changed' end as what,
        row_number() over (partition by coalesce(s.rule_id, c.rule_id)
                           order by coalesce(s.occurred_at, c.occurred_at), anomaly_id) as number
    from standing s full join computed c using (anomaly_id)
    where s.anomaly_id is null or c.anomaly_id is null or {_DIFFERS}
)
select rule_id, what, anomaly_id, occurred_at, "group" from differing where number <= {MOST_SAMPLES} order by 1, number
"""
_INSERT_MISSING = f"""
insert into eventpulse.anomalies as a ({_NAMES}, origin, batch_id, dagster_run_id)
select {_NAMES}, %(origin)s, %(batch_id)s, %(run_id)s from computed c
where not exists (select from eventpulse.anomalies s where s.anomaly_id = c.anomaly_id and s.state = 'current')
on conflict (anomaly_id) do update set state = 'current', retracted_at = null, detected_at = excluded.detected_at,
    rule_version = excluded.rule_version, severity = excluded.severity, message = excluded.message,
    value = excluded.value, threshold = excluded.threshold, expected = excluded.expected,
    window_start = excluded.window_start, window_end = excluded.window_end, contributing = excluded.contributing,
    contributing_count = excluded.contributing_count, origin = excluded.origin, batch_id = excluded.batch_id,
    dagster_run_id = excluded.dagster_run_id
returning a.anomaly_id::text
"""
_RETRACT_EXTRA = f"""
with {_STANDING}
update eventpulse.anomalies a set state = 'retracted', retracted_at = clock_timestamp(), alert_id = null
from standing s where s.anomaly_id = a.anomaly_id
    and not exists (select from computed c where c.anomaly_id = a.anomaly_id)
returning s.alert_id::text
"""
_CORRECT_CHANGED = f"""
with {_STANDING}
update eventpulse.anomalies a set value = c.value, threshold = c.threshold, expected = c.expected, message = c.message,
    window_start = c.window_start, window_end = c.window_end, contributing = c.contributing,
    contributing_count = c.contributing_count
from standing s join computed c using (anomaly_id) where s.anomaly_id = a.anomaly_id and {_DIFFERS}
"""


@dataclass(frozen=True)
class Judged:
    """A rule that was computed for the anomalies from `since` to before `until`."""

    rule_id: UUID
    semantic_hash: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class RuleDifference:
    """Computed against standing anomalies of one rule. `missing` are computed and do not stand, `extra` the other way
    round, `changed` stand with another value or other events; `last_at` is when the last missing or extra occurred."""

    rule_id: UUID
    computed: int
    standing: int
    missing: int
    extra: int
    changed: int
    last_at: datetime | None

    @property
    def any(self) -> bool:
        """Whether there is any difference."""
        return bool(self.missing or self.extra or self.changed)

    def and_later(self, later: "RuleDifference") -> "RuleDifference":
        """This difference and that of a later stretch, as one."""
        return RuleDifference(
            self.rule_id,
            self.computed + later.computed,
            self.standing + later.standing,
            self.missing + later.missing,
            self.extra + later.extra,
            self.changed + later.changed,
            later.last_at or self.last_at,
        )


@dataclass(frozen=True)
class Sample:
    """One anomaly that differs, and how: missing, extra or changed."""

    rule_id: UUID
    what: str
    anomaly_id: UUID
    occurred_at: datetime
    group: str


def prepare_comparison(connection: psycopg.Connection) -> None:
    """Make the temporary tables of this connection; once is enough."""
    connection.execute(_TABLES)


def lay_out(connection: psycopg.Connection, judged: Sequence[Judged], computed: pl.DataFrame) -> None:
    """Fill the temporary tables for the rest of the transaction. `computed` is ANOMALY_SCHEMA, nothing of it outside
    the stretches of `judged`."""
    with connection.cursor() as cursor:
        with cursor.copy("copy judged from stdin") as copy:
            for each in judged:
                copy.write_row((each.rule_id, each.semantic_hash, each.since, each.until))
        if computed.is_empty():
            return
        with cursor.copy(f"copy computed ({_NAMES}) from stdin with (format csv)") as copy:
            copy.write(_as_csv(computed))


def compare(connection: psycopg.Connection) -> list[RuleDifference]:
    """The difference, rule by rule, of what is laid out."""
    return [RuleDifference(*row) for row in connection.execute(_COMPARE)]


def samples(connection: psycopg.Connection) -> list[Sample]:
    """The first anomalies of each rule that differ."""
    return [Sample(*row) for row in connection.execute(_SAMPLES)]


def make_it_stand(
    connection: psycopg.Connection, *, origin: str, batch_id: int, run_id: str | None
) -> tuple[list[str], list[str]]:
    """Insert what is missing, retract what is extra, correct what is changed: the ids of what was missing, and for each
    extra anomaly the alert that held it, where one did."""
    connection.execute(_CORRECT_CHANGED)
    left = [row[0] for row in connection.execute(_RETRACT_EXTRA) if row[0] is not None]
    inserted = connection.execute(_INSERT_MISSING, {"origin": origin, "batch_id": batch_id, "run_id": run_id})
    return [row[0] for row in inserted], left


def note_changed_history(connection: psycopg.Connection, rule_ids: Sequence[UUID]) -> None:
    """Tell live detection that the anomalies of some rules are others than it remembers."""
    connection.execute(
        "update eventpulse.rules set history_revision = history_revision + 1 where rule_id = any(%s)", (list(rule_ids),)
    )


def _as_csv(computed: pl.DataFrame) -> str:
    contributing = pl.lit("{") + pl.col("contributing").list.join(",") + pl.lit("}")
    frame = computed.select(ANOMALY_SCHEMA.names()).with_columns(contributing=contributing).select(_COLUMNS)
    return frame.write_csv(include_header=False, datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ", null_value="")
