"""Questions people ask about the ledger of micro-batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, Row, RowMapping, Select, func, select

from eventpulse.database.tables import batches, ledger_days, stream_counters


@dataclass(frozen=True)
class LedgerTotals:
    """What became of every event that was ever taken from the stream or brought in otherwise."""

    batches: int
    taken: int
    stored: int
    duplicates: int
    dead_lettered: int
    missing: int
    uncounted: int
    too_late: int
    anomalies: int
    anomalies_critical: int
    anomalies_warning: int
    anomalies_info: int
    retracted: int

    @property
    def accepted(self) -> int:
        """How many events of these were accepted; `missing` ones never arrived, `uncounted` ones never were."""
        return self.taken + self.missing - self.uncounted


@dataclass(frozen=True)
class LedgerDay(LedgerTotals):
    """The same for one UTC day of acceptance."""

    day: date


def no_day(day: date) -> LedgerDay:
    """A day of which nothing has been taken yet."""
    return LedgerDay(day=day, **dict.fromkeys(LedgerTotals.__dataclass_fields__, 0))


@dataclass(frozen=True)
class CounterSeen:
    """How far a counter of accepted events was seen to have got, how far that is settled, and what went back in it."""

    counter: str
    accepted: int
    settled: int
    lost: int
    seen_at: datetime


@dataclass(frozen=True)
class BatchSummary:
    """One micro-batch: what it did, how long it took, how long its oldest event had waited at the commit."""

    batch_id: int
    origin: str
    entries: int
    taken: int
    stored: int
    duplicates: int
    dead_lettered: int
    anomalies: int
    started_at: datetime
    committed_at: datetime
    oldest_received_at: datetime | None
    dagster_run_id: str | None

    @property
    def seconds(self) -> float:
        """From the first look at the batch to its commit."""
        return (self.committed_at - self.started_at).total_seconds()

    @property
    def oldest_waited_seconds(self) -> float | None:
        """From the acceptance of its oldest event to the commit."""
        if self.oldest_received_at is None:
            return None
        return (self.committed_at - self.oldest_received_at).total_seconds()


@dataclass(frozen=True)
class BatchFilter:
    """Which micro-batches; None asks nothing. `day` is one on which any of its events was accepted."""

    day: date | None = None
    run_id: str | None = None
    origin: str | None = None


_COUNTS = (
    *("batches", "taken", "stored", "duplicates", "dead_lettered", "missing", "uncounted", "too_late"),
    *("anomalies_critical", "anomalies_warning", "anomalies_info", "retracted"),
)
_SUMS = [func.coalesce(func.sum(ledger_days.c[name]), 0).label(name) for name in _COUNTS]
_SUMMARY = tuple(BatchSummary.__dataclass_fields__)
#: All that is of interest to people; the rest is what drains tell each other.
_WHOLE = [column for column in batches.c if column.name not in ("turn", "newest_event_at", "changed_rules")]


def ledger_totals(connection: Connection, since: date | None = None) -> LedgerTotals:
    """Sums over the whole ledger, or from a day on."""
    query = select(*_SUMS)
    if since is not None:
        query = query.where(ledger_days.c.day >= since)
    return LedgerTotals(**_counts(connection.execute(query).mappings().one()))


def days_of_ledger(connection: Connection, *, limit: int, before: date | None = None) -> list[LedgerDay]:
    """The ledger by day of acceptance, the newest day first, from before a day on."""
    query = select(ledger_days.c.day, *_SUMS).group_by(ledger_days.c.day).order_by(ledger_days.c.day.desc())
    if before is not None:
        query = query.where(ledger_days.c.day < before)
    rows = connection.execute(query.limit(limit)).mappings()
    return [LedgerDay(day=row["day"], **_counts(row)) for row in rows]


def counters_seen(connection: Connection) -> list[CounterSeen]:
    """Every counter there ever was, the one seen last first."""
    names = CounterSeen.__dataclass_fields__
    query = select(*(stream_counters.c[name] for name in names)).order_by(stream_counters.c.seen_at.desc())
    return [CounterSeen(**row) for row in connection.execute(query).mappings()]


def last_entry_committed(connection: Connection, shard: int = 0) -> str | None:
    """The newest stream entry in the ledger."""
    query = select(batches.c.last_entry).where(batches.c.shard == shard, batches.c.last_entry.is_not(None))
    return connection.execute(query.order_by(batches.c.batch_id.desc()).limit(1)).scalar()


def last_batches(connection: Connection, count: int) -> list[BatchSummary]:
    """The newest micro-batches, newest first."""
    query = select(*(batches.c[name] for name in _SUMMARY)).order_by(batches.c.batch_id.desc()).limit(count)
    return [BatchSummary(**row) for row in connection.execute(query).mappings()]


def newest_batch(connection: Connection) -> int:
    """The id of the newest micro-batch; 0 where there is none."""
    return int(connection.execute(select(func.coalesce(func.max(batches.c.batch_id), 0))).scalar_one())


def durations_after(connection: Connection, batch_id: int, *, most: int = 10_000) -> list[tuple[int, float]]:
    """How many seconds each later micro-batch took, the oldest first."""
    took = func.extract("epoch", batches.c.committed_at - batches.c.started_at)
    query = select(batches.c.batch_id, took).where(batches.c.batch_id > batch_id)
    rows = connection.execute(query.order_by(batches.c.batch_id).limit(most))
    return [(number, max(float(seconds), 0.0)) for number, seconds in rows]


def batches_before(
    connection: Connection, wanted: BatchFilter, *, limit: int, offset: int = 0, before: int | None = None
) -> Sequence[Row]:
    """Whole rows of the ledger, the newest first, from before a batch id on, of which `offset` are left out."""
    query = _filtered(select(*_WHOLE), wanted).order_by(batches.c.batch_id.desc())
    if before is not None:
        query = query.where(batches.c.batch_id < before)
    return connection.execute(query.limit(limit).offset(offset)).all()


def _filtered(query: Select, wanted: BatchFilter) -> Select:
    if wanted.day is not None:
        # A micro-batch has two days at most where midnight lies in it, more only after a long outage.
        query = query.where(batches.c.last_day >= wanted.day, batches.c.first_day <= wanted.day)
    if wanted.run_id is not None:
        query = query.where(batches.c.dagster_run_id == wanted.run_id)
    if wanted.origin is not None:
        query = query.where(batches.c.origin == wanted.origin)
        if wanted.origin != "live":
            query = query.where(batches.c.origin != "live")  # lets PostgreSQL see that its small index serves
    return query


def _counts(row: RowMapping) -> dict[str, int]:
    counts = {name: int(row[name]) for name in _COUNTS}
    severities = ("anomalies_critical", "anomalies_warning", "anomalies_info")
    return {**counts, "anomalies": sum(counts[name] for name in severities)}
