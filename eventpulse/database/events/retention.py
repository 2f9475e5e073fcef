"""Remove what has been kept long enough: days of events whole where all of it is past, rows in portions where not.

Age is counted from when an event was received, not from the time it is about. All that a micro-batch holds was received
before its commit, and every event knows its micro-batch: so the last micro-batch committed before the limit tells old
from young by an index, however many events there are.
"""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from eventpulse.database.events.partitions import existing_days, partition_name

Result = TypeVar("Result")
PORTION = 5_000
_TRIES = 20

# What is counted by minute is what is stored; the two change in one statement.
_EVENTS = """
with old as (
    select event_id, "timestamp" from {table} where batch_id <= %(bound)s order by batch_id limit %(portion)s
), gone as (
    delete from {table} e using old where e.event_id = old.event_id and e."timestamp" = old."timestamp"
    returning date_trunc('minute', e."timestamp", 'UTC') as minute, e.event_type, e.source
), less as (
    update eventpulse.event_rollups r set count = r.count - g.count
    from (select minute, event_type, source, count(*) as count from gone group by 1, 2, 3) g
    where r.minute = g.minute and r.event_type = g.event_type and r.source = g.source
), noted as (
    insert into eventpulse.removed_days as d (day, events)
    select (minute at time zone 'UTC')::date, count(*) from gone group by 1
    on conflict (day) do update set events = d.events + excluded.events, removed_at = clock_timestamp()
)
select count(*) from gone
"""
# After the events: an id without an event is still known for a moment, an event without an id could come twice.
_EVENT_IDS = """
with gone as (
    delete from eventpulse.event_ids where event_id in (
        select event_id from eventpulse.event_ids where batch_id <= %(bound)s order by batch_id limit %(portion)s)
    returning 1
) select count(*) from gone
"""
_ANOMALIES = """
with gone as (
    delete from eventpulse.anomalies where anomaly_id in (
        select anomaly_id from eventpulse.anomalies where detected_at < %(bound)s
        order by detected_at limit %(portion)s) returning 1
) select count(*) from gone
"""
_ALERTS = """
with old as (
    select alert_id from eventpulse.alerts where state = 'resolved' and resolved_at < %(bound)s
    order by resolved_at limit %(portion)s
), history as (
    delete from eventpulse.alert_history h using old where h.alert_id = old.alert_id
), intents as (
    delete from eventpulse.outbox o using old where o.alert_id = old.alert_id
), gone as (
    delete from eventpulse.alerts a using old where a.alert_id = old.alert_id returning 1
) select count(*) from gone
"""
_BATCHES = """
with gone as (
    delete from eventpulse.batches where batch_id in (
        select batch_id from eventpulse.batches where committed_at < %(bound)s and batch_id <
            (select coalesce(max(batch_id), 0) from eventpulse.batches where last_entry is not null)
        order by committed_at limit %(portion)s) returning 1
) select count(*) from gone
"""
_DEAD_LETTERS = """
with gone as (
    delete from eventpulse.dead_letters where dead_letter_id in (
        select dead_letter_id from eventpulse.dead_letters where closed_at < %(bound)s limit %(portion)s) returning 1
) select count(*) from gone
"""
_DELIVERIES = """
with gone as (
    delete from eventpulse.deliveries where delivery_id in (
        select delivery_id from eventpulse.deliveries
        where created_at < %(bound)s and state in ('sent', 'held', 'failed', 'gave_up') and due_at is null
        limit %(portion)s) returning 1
) select count(*) from gone
"""

_AUDITS = """
with gone as (
    delete from eventpulse.audits where audit_id in (
        select audit_id from eventpulse.audits where finished_at < %(bound)s limit %(portion)s) returning 1
) select count(*) from gone
"""
_SUPERSEDED_AUDITS = """
with gone as (
    delete from eventpulse.audits where audit_id in (
        select audit_id from eventpulse.audits a where finished_at < %(bound)s and exists
            (select from eventpulse.audits later where later.day = a.day and later.audit_id > a.audit_id)
        limit %(portion)s) returning 1
) select count(*) from gone
"""
_COVERAGE = """
with gone as (
    delete from eventpulse.coverage where (rule_id, day, semantic_hash) in (
        select rule_id, day, semantic_hash from eventpulse.coverage c
        where updated_at < %(bound)s and not live and (
            not exists (select from eventpulse.rules r
                where r.rule_id = c.rule_id and (r.semantic_hash = c.semantic_hash
                    or r.document -> 'condition' ->> 'type' = 'composite'))
            or exists (select from eventpulse.removed_days d where d.day = c.day)
                and not exists (select from eventpulse.event_rollups where minute >= c.day and minute < c.day + 1)
                and not exists (select from eventpulse.anomalies a where a.rule_id = c.rule_id
                    and a.occurred_at >= c.day and a.occurred_at < c.day + 1))
        limit %(portion)s) returning 1
) select count(*) from gone
"""


def remove_events(connection: psycopg.Connection, limit: datetime) -> tuple[int, list[date]]:
    """Remove the events received before an instant: how many there were, and the days that went as a whole."""
    last = connection.execute(
        "select batch_id from eventpulse.batches where committed_at < %s order by committed_at desc limit 1", (limit,)
    ).fetchone()
    if last is None:
        return 0, []
    removed, dropped = 0, []
    for day in sorted(existing_days(connection)):
        rows = _drop_day(connection, day, last[0])
        if rows is not None:
            dropped.append(day)
            removed += rows
        else:
            removed += _remove(connection, _of(_EVENTS, _table(day)), last[0])
    removed += _remove(connection, _of(_EVENTS, sql.Identifier("eventpulse", "events_other_days")), last[0])
    _remove(connection, _of(_EVENT_IDS), last[0])
    if removed:
        connection.execute("delete from eventpulse.event_rollups where count <= 0")
    return removed, dropped


def remove_anomalies(connection: psycopg.Connection, limit: datetime) -> int:
    """Remove the anomalies detected before an instant, the retracted ones too."""
    return _remove(connection, _of(_ANOMALIES), limit)


def remove_alerts(connection: psycopg.Connection, limit: datetime) -> int:
    """Remove the alerts resolved before an instant, with their history. One that goes on stays, however old it is."""
    return _remove(connection, _of(_ALERTS), limit)


def remove_batches(connection: psycopg.Connection, limit: datetime) -> int:
    """Remove micro-batches committed before an instant, except the last one that read the stream; the sums by day stay.

    Never with a later instant than that up to which events were removed, since those are found by their micro-batch.
    """
    return _remove(connection, _of(_BATCHES), limit)


def remove_dead_letters(connection: psycopg.Connection, limit: datetime) -> int:
    """Remove dead letters closed before an instant. Open ones are somebody's work and stay."""
    return _remove(connection, _of(_DEAD_LETTERS), limit)


def remove_audits(connection: psycopg.Connection, limit: datetime, superseded: datetime) -> int:
    """Remove audits that finished before an instant, and before another those that a later audit of their day stands
    in for."""
    removed = _remove(connection, _of(_AUDITS), limit)
    return removed + _remove(connection, _of(_SUPERSEDED_AUDITS), superseded)


def remove_coverage(connection: psycopg.Connection, limit: datetime) -> int:
    """Remove what was written down before an instant of rules that are no more, of meanings that no rule has any more,
    and of days of which neither events nor anomalies are left."""
    return _remove(connection, _of(_COVERAGE), limit)


def remove_deliveries(connection: psycopg.Connection, limit: datetime) -> int:
    """Remove what became of messages before an instant. What waits, or is looked at again, stays."""
    return _remove(connection, _of(_DELIVERIES), limit)


def count_open_dead_letters(connection: psycopg.Connection, limit: datetime) -> int:
    """How many dead letters received before an instant still wait for somebody."""
    row = connection.execute(
        "select count(*) from eventpulse.dead_letters where state in ('open', 'redriving') and received_at < %s",
        (limit,),
    ).fetchone()
    return int(row[0]) if row else 0


def _drop_day(connection: psycopg.Connection, day: date, last_batch: int) -> int | None:
    """Drop a day's partition if all of it is old: how many events it held, or None where it stays."""
    table = _table(day)
    young = _of("select exists (select from {table} where batch_id > %s)", table)
    if _one(connection, young, (last_batch,)):
        return None
    rows = _one(connection, _of("select count(*) from {table}", table))

    def drop() -> bool:
        connection.execute("lock table only eventpulse.events in access exclusive mode")
        connection.execute(_of("lock table only {table} in access exclusive mode", table))
        if _one(connection, young, (last_batch,)):
            return False  # late events of that day have come in since the look above
        connection.execute(_of("drop table {table}", table))
        start = datetime.combine(day, datetime.min.time(), UTC)
        span = {"start": start, "end": start + timedelta(days=1)}
        connection.execute(
            "insert into eventpulse.removed_days as d (day, events) values (%s, %s) on conflict (day) do update"
            " set events = d.events + excluded.events, removed_at = clock_timestamp()",
            (day, rows),
        )
        connection.execute("delete from eventpulse.event_rollups where minute >= %(start)s and minute < %(end)s", span)
        # What is left of the day shares a partition with other days.
        connection.execute(
            "insert into eventpulse.event_rollups (minute, event_type, source, count)"
            " select date_trunc('minute', \"timestamp\", 'UTC'), event_type, source, count(*)"
            ' from eventpulse.events_other_days where "timestamp" >= %(start)s and "timestamp" < %(end)s'
            " group by 1, 2, 3",
            span,
        )
        return True

    return rows if _patiently(connection, drop) else None


def _remove(connection: psycopg.Connection, query: sql.Composed, bound: object) -> int:
    """Run a query that removes a portion and says how many rows it was, until there are none."""
    values = {"bound": bound, "portion": PORTION}
    removed = 0
    while gone := _patiently(connection, lambda: _one(connection, query, values)):
        removed += gone
    return removed


def _patiently(connection: psycopg.Connection, work: Callable[[], Result]) -> Result:
    """Do something in a transaction of its own; where it is in somebody's way, give way and try again.

    It waits half a second for a lock at most: less than it takes PostgreSQL to break a deadlock, so it is never the
    drain that has to begin anew.
    """
    for attempt in range(_TRIES):
        try:
            with connection.transaction():
                connection.execute("set local lock_timeout = '500ms'")
                return work()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if attempt == _TRIES - 1:
                raise
            time.sleep(0.5)
    raise AssertionError("every try returns or raises")


def _table(day: date) -> sql.Identifier:
    return sql.Identifier("eventpulse", partition_name(day))


def _of(query: str, table: sql.Identifier | None = None) -> sql.Composed:
    text = sql.SQL(query)
    return text.format() if table is None else text.format(table=table)


def _one(connection: psycopg.Connection, query: sql.Composed, values: Any = None) -> int:
    row = connection.execute(query, values).fetchone()
    assert row is not None
    return int(row[0])
