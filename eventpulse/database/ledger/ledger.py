"""The ledger of micro-batches: what came in, and what became of each event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal
from uuid import UUID

import psycopg
from psycopg.types.json import Json

from eventpulse.stream.numbering import Settled

Cause = Literal["unreadable", "refused", "future"]


@dataclass(frozen=True)
class DayCounts:
    """What became of the events of one UTC day of acceptance in one micro-batch."""

    day: date
    taken: int
    stored: int
    duplicates: int
    dead_lettered: int
    missing: int = 0
    uncounted: int = 0


@dataclass(frozen=True)
class LedgerRow:
    """One micro-batch. taken = stored + duplicates + dead_lettered, or PostgreSQL refuses the row.

    `days` breaks it down by day of acceptance; without, everything belongs to the day it was started on.
    `counters` is how far each counter of accepted events is settled with it.
    """

    batch_id: int
    origin: str
    shard: int
    first_entry: str | None
    last_entry: str | None
    entries: int
    taken: int
    stored: int
    duplicates: int
    dead_lettered: int
    too_late: int
    anomalies: int
    retracted: int
    rule_errors: dict[str, str]
    dagster_run_id: str | None
    oldest_received_at: datetime | None
    started_at: datetime
    days: Sequence[DayCounts] = ()
    counters: Mapping[str, int] = field(default_factory=dict)
    anomalies_by_severity: Mapping[str, int] = field(default_factory=dict)
    newest_event_at: datetime | None = None
    changed_rules: Sequence[UUID] = ()


@dataclass(frozen=True)
class DeadLetter:
    """An event that can't be stored: its bytes as they came, where they stood in the stream, and why."""

    entry: str
    line: int
    raw: bytes
    reason: str
    received_at: datetime
    cause: Cause = "unreadable"


@dataclass(frozen=True)
class Present:
    """What live detection has to know: the number that grows with every change of a rule, and the last turn that was
    taken, 0 where there was none."""

    revision: int
    turn: int


@dataclass(frozen=True)
class TakenTurn:
    """A micro-batch that was committed: through which shard it came, how many events it stored and how new the newest
    of them is, and of which rules it changed anomalies."""

    batch_id: int
    origin: str
    shard: int
    stored: int
    newest_event_at: datetime | None
    changed_rules: Sequence[UUID]


_PRESENT = "(select revision from eventpulse.rule_book), (select coalesce(max(turn), 0) from eventpulse.batches)"


def next_batch_id(connection: psycopg.Connection) -> tuple[int, Present]:
    """A fresh batch id, and the present."""
    query = f"select nextval(pg_get_serial_sequence('eventpulse.batches', 'batch_id')), {_PRESENT}"
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0], Present(row[1], row[2])


def present(connection: psycopg.Connection) -> Present:
    """The rule book's revision and the last turn, as they are now."""
    row = connection.execute(f"select {_PRESENT}").fetchone()
    assert row is not None
    return Present(*row)


def turns_after(connection: psycopg.Connection, turn: int, through: int) -> list[TakenTurn]:
    """The micro-batches that were committed after a turn, in their order."""
    rows = connection.execute(
        "select batch_id, origin, shard, stored, newest_event_at, changed_rules from eventpulse.batches"
        " where turn > %s and turn <= %s order by turn",
        (turn, through),
    ).fetchall()
    return [TakenTurn(*row) for row in rows]


def settled(connection: psycopg.Connection, shard: int) -> Settled:
    """Up to where everything of a shard has been committed; entries are taken in their order."""
    row = connection.execute(
        "select last_entry from eventpulse.batches where shard = %s and last_entry is not null"
        " order by batch_id desc limit 1",
        (shard,),
    ).fetchone()
    counters = connection.execute("select counter, settled, shard from eventpulse.stream_counters").fetchall()
    of_shard = {counter: number for counter, number, its_shard in counters if its_shard == shard}
    return Settled(of_shard, row[0] if row else None, begun=bool(counters))


# One statement, so that the ledger costs a micro-batch one round trip.
_WRITE = """
with by_day as (
    insert into eventpulse.ledger_days as d
        (day, origin, shard, batches, taken, stored, duplicates, dead_lettered, missing, uncounted, too_late,
         anomalies_critical, anomalies_warning, anomalies_info, retracted)
    select day, %(origin)s, %(shard)s, batches, taken, stored, duplicates, dead_lettered, missing, uncounted,
           batches * %(too_late)s, batches * %(critical)s, batches * %(warning)s, batches * %(info)s,
           batches * %(retracted)s
    from unnest(%(day)s::date[], %(batch_of)s::bigint[], %(day_taken)s::bigint[], %(day_stored)s::bigint[],
                %(day_duplicates)s::bigint[], %(day_dead)s::bigint[], %(day_missing)s::bigint[],
                %(day_uncounted)s::bigint[])
         as t (day, batches, taken, stored, duplicates, dead_lettered, missing, uncounted)
    on conflict (day, origin, shard) do update set
        batches = d.batches + excluded.batches, taken = d.taken + excluded.taken, stored = d.stored + excluded.stored,
        duplicates = d.duplicates + excluded.duplicates, dead_lettered = d.dead_lettered + excluded.dead_lettered,
        missing = d.missing + excluded.missing, uncounted = d.uncounted + excluded.uncounted,
        too_late = d.too_late + excluded.too_late,
        anomalies_critical = d.anomalies_critical + excluded.anomalies_critical,
        anomalies_warning = d.anomalies_warning + excluded.anomalies_warning,
        anomalies_info = d.anomalies_info + excluded.anomalies_info, retracted = d.retracted + excluded.retracted
), by_counter as (
    insert into eventpulse.stream_counters as c (counter, shard, accepted, settled)
    select counter, %(shard)s, reached, reached from unnest(%(counter)s::text[], %(reached)s::bigint[])
         as t (counter, reached)
    on conflict (counter) do update set accepted = greatest(c.accepted, excluded.accepted),
        settled = excluded.settled, seen_at = clock_timestamp()
)
insert into eventpulse.batches
    (batch_id, origin, shard, first_entry, last_entry, entries, taken, stored, duplicates, dead_lettered, too_late,
     anomalies, retracted, rule_errors, dagster_run_id, oldest_received_at, started_at, first_day, last_day, missing,
     uncounted, newest_event_at, changed_rules)
values
    (%(batch_id)s, %(origin)s, %(shard)s, %(first_entry)s, %(last_entry)s, %(entries)s, %(taken)s, %(stored)s,
     %(duplicates)s, %(dead_lettered)s, %(too_late)s, %(anomalies)s, %(retracted)s, %(rule_errors)s,
     %(dagster_run_id)s, %(oldest_received_at)s, %(started_at)s, %(first_day)s, %(last_day)s, %(missing)s,
     %(uncounted)s, %(newest_event_at)s, %(changed_rules)s::uuid[])
returning turn
"""


def write(connection: psycopg.Connection, row: LedgerRow) -> int:
    """Add the row of a micro-batch, inside the transaction of everything the batch did; gives its turn.

    What is not counted by event (the batch itself, its anomalies, events too late) counts for its last day.
    """
    days = row.days or [
        DayCounts(row.started_at.astimezone(UTC).date(), row.taken, row.stored, row.duplicates, row.dead_lettered)
    ]
    of_severity = row.anomalies_by_severity
    values = {
        **row.__dict__,
        "rule_errors": Json(row.rule_errors),
        "changed_rules": list(row.changed_rules),
        "critical": of_severity.get("critical", 0),
        "warning": of_severity.get("warning", 0),
        "info": row.anomalies - of_severity.get("critical", 0) - of_severity.get("warning", 0),
        "day": [each.day for each in days],
        "batch_of": [0] * (len(days) - 1) + [1],
        "day_taken": [each.taken for each in days],
        "day_stored": [each.stored for each in days],
        "day_duplicates": [each.duplicates for each in days],
        "day_dead": [each.dead_lettered for each in days],
        "day_missing": [each.missing for each in days],
        "day_uncounted": [each.uncounted for each in days],
        "counter": list(row.counters.keys()),
        "reached": list(row.counters.values()),
        "first_day": days[0].day,
        "last_day": days[-1].day,
        "missing": sum(each.missing for each in days),
        "uncounted": sum(each.uncounted for each in days),
    }
    named = {name: value for name, value in values.items() if name not in ("days", "counters")}
    written = connection.execute(_WRITE, named).fetchone()
    assert written is not None
    turn: int = written[0]
    return turn


def set_aside(connection: psycopg.Connection, letters: Sequence[DeadLetter], batch_id: int) -> None:
    """Keep what can't be stored. The place in the stream is the key, so setting aside twice is harmless."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into eventpulse.dead_letters (batch_id, entry, line, raw, reason, received_at, cause)"
            " values (%s, %s, %s, %s, %s, %s, %s) on conflict (entry, line) do nothing",
            [
                (batch_id, letter.entry, letter.line, letter.raw, letter.reason, letter.received_at, letter.cause)
                for letter in letters
            ],
        )


@dataclass(frozen=True)
class MicroBatches:
    """The micro-batches that a run took from the stream, and the minutes of event time their events lie in."""

    batches: int
    first: int
    last: int
    stored: int
    minutes: list[datetime]


def micro_batches_of(connection: psycopg.Connection, dagster_run_id: str) -> MicroBatches:
    """What the ledger knows of a run's micro-batches."""
    row = connection.execute(
        "select count(*), coalesce(min(batch_id), 0), coalesce(max(batch_id), 0), coalesce(sum(stored), 0)::bigint"
        " from eventpulse.batches where dagster_run_id = %s and origin = 'live' and stored > 0",
        (dagster_run_id,),
    ).fetchone()
    assert row is not None
    minutes = connection.execute(
        """
        select distinct date_trunc('minute', e."timestamp") from eventpulse.events e
            join eventpulse.batches b on b.batch_id = e.batch_id
        where e.batch_id between %s and %s and b.dagster_run_id = %s order by 1
        """,
        (row[1], row[2], dagster_run_id),
    ).fetchall()
    batches, first, last, stored = row
    return MicroBatches(batches, first, last, stored, [minute for (minute,) in minutes])
