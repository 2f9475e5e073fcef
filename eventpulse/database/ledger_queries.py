"""Questions people ask about the ledger of micro-batches."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from eventpulse.database.tables import batches


@dataclass(frozen=True)
class LedgerTotals:
    """What became of every event that was ever taken from the stream or brought in otherwise."""

    batches: int
    taken: int
    stored: int
    duplicates: int
    dead_lettered: int
    too_late: int
    anomalies: int
    retracted: int


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


_COUNTS = ("taken", "stored", "duplicates", "dead_lettered", "too_late", "anomalies", "retracted")
_SUMMARY = tuple(BatchSummary.__dataclass_fields__)


def ledger_totals(connection: Connection) -> LedgerTotals:
    """Sums over the whole ledger."""
    sums = [func.coalesce(func.sum(batches.c[name]), 0).label(name) for name in _COUNTS]
    row = connection.execute(select(func.count().label("batches"), *sums)).mappings().one()
    return LedgerTotals(**{name: int(value) for name, value in row.items()})


def last_batches(connection: Connection, count: int) -> list[BatchSummary]:
    """The newest micro-batches, newest first."""
    query = select(*(batches.c[name] for name in _SUMMARY)).order_by(batches.c.batch_id.desc()).limit(count)
    return [BatchSummary(**row) for row in connection.execute(query).mappings()]
