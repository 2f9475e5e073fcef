"""Store pieces of historical events beside the stream, each once, with its row of the ledger.

What is imported raises no anomalies by itself. It is taken out of the coverage, so that a backfill of those days
evaluates it; and live detection takes it up from the ledger, so that what comes later is judged on it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import polars as pl
import psycopg

from eventpulse.clock import Clock, iso_utc, utc_now
from eventpulse.database.anomalies.coverage import uncover
from eventpulse.database.anomalies.history_lock import rewriting_history, take_turn, while_storing
from eventpulse.database.events.imports import Dealt, note_end, note_piece
from eventpulse.database.events.incoming import count_by_minute, prepare_staging, refused_events, store_events
from eventpulse.database.events.partitions import DayPartitions
from eventpulse.database.ledger.ledger import DeadLetter, LedgerRow, next_batch_id, set_aside, write
from eventpulse.event import INDEX_BITS, SEQUENCE_BITS
from eventpulse.importing.piece import Faulty, Piece
from eventpulse.importing.rows import RowFault
from eventpulse.settings import Settings

_TRIES = 20


def set_future_apart(piece: Piece, most: timedelta) -> Piece:
    """The piece without events whose time lies more than `most` after now: they would drag every watermark along."""
    ahead = piece.events.filter(pl.col("timestamp") > pl.col("received_at") + most)
    if ahead.is_empty():
        return piece
    why = f"is more than {most.total_seconds():.0f} s in the future"
    return piece.without(
        {
            number: RowFault(f"its time, {iso_utc(at)}, {why}", cause="future")
            for number, at in ahead.select("number", "timestamp").iter_rows()
        }
    )


@dataclass(frozen=True)
class Imported:
    """What became of a piece, and of its new events by UTC day."""

    dealt: Dealt
    new_by_day: dict[date, int]


@dataclass
class Importer:
    """Stores pieces of one file over a connection of its own, in their order."""

    connection: psycopg.Connection
    settings: Settings
    import_id: int | None
    #: Under which name rows that are set aside stand among the dead letters.
    entry: str
    #: How a person finds a row: "access.csv, line".
    named: str
    #: Whether faulty rows become dead letters; where not, they are left out.
    dead_letters: bool = False
    on_waiting: Callable[[], None] = lambda: None
    clock: Clock = utc_now
    _partitions: DayPartitions = field(default_factory=DayPartitions)
    _last_position: int = 0

    def set_refused_apart(self, piece: Piece) -> Piece:
        """The piece without the events that PostgreSQL refuses; nothing is stored."""
        events = self._positioned(piece.events)
        prepare_staging(self.connection)
        with self.connection.transaction(force_rollback=True):
            refused = refused_events(self.connection, events)
        numbers = piece.events["number"]
        return piece.without(
            {numbers[row]: RowFault(f"PostgreSQL refused it: {why}", cause="refused") for row, why in refused}
        )

    def store(self, piece: Piece) -> Imported:
        """Store a piece: all of it, or nothing. Raises one of REFUSALS where PostgreSQL refuses any of its events.

        1. make missing day partitions
        2. wait until nobody else changes history
        3. in one transaction: events, counts by minute, coverage, dead letters, ledger row, how far the file has got
        """
        started_at = self.clock()
        prepare_staging(self.connection)
        once = self._positioned(piece.events).unique("event_id", keep="first", maintain_order=True)
        self._partitions.ensure(self.connection, once["timestamp"].dt.date().unique().to_list(), started_at.date())
        for attempt in range(_TRIES):
            try:
                with rewriting_history(self.connection, self.on_waiting), self.connection.transaction():
                    while_storing(self.connection)
                    # Less than it takes PostgreSQL to break a deadlock: it is never the drain that has to begin anew.
                    self.connection.execute("set local lock_timeout = '500ms'")
                    return self._store(piece, once, started_at)
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                if attempt == _TRIES - 1:
                    raise
                time.sleep(0.2)
        raise AssertionError("every try returns or raises")

    def finish(self) -> None:
        """Note that the file has ended."""
        if self.import_id is not None:
            note_end(self.connection, self.import_id)

    def _store(self, piece: Piece, once: pl.DataFrame, started_at: datetime) -> Imported:
        connection = self.connection
        batch_id, _ = next_batch_id(connection)
        new = once
        if not once.is_empty():
            new = store_events(connection, once, batch_id=batch_id, origin="import")
        # Whatever live detection changes in its turn as well comes now, so that neither waits for the other for long.
        take_turn(connection, lambda: None)
        days = new.group_by(day=pl.col("timestamp").dt.date()).agg(
            pl.len(), first=pl.col("timestamp").min(), last=pl.col("timestamp").max()
        )
        if not new.is_empty():
            count_by_minute(connection, new)
            for day, _, first, last in days.sort("day").iter_rows():
                uncover(connection, day, first, last)
        letters = self._letters(piece, started_at) if self.dead_letters else []
        if letters:
            set_aside(connection, letters, batch_id)
        dealt = Dealt(
            stored=new.height,
            duplicates=piece.events.height - new.height,
            dead_lettered=len(letters),
            skipped=len(piece.faulty) - len(letters),
        )
        write(connection, _ledger_row(batch_id, dealt, started_at))
        if self.import_id is not None:
            span = (days["day"].min(), days["day"].max()) if not days.is_empty() else None
            note_piece(connection, self.import_id, dealt, piece.through, span)  # type: ignore[arg-type]
        return Imported(dealt, dict(days.select("day", "len").iter_rows()))

    def _positioned(self, events: pl.DataFrame) -> pl.DataFrame:
        """Events in the order of the file, each behind everything that was positioned before."""
        bits = SEQUENCE_BITS + INDEX_BITS
        now = int(self.clock().timestamp() * 1000)
        base = max(now, (self._last_position >> bits) + 1) << bits
        self._last_position = base + events.height
        return events.with_columns(position=base + pl.int_range(events.height, dtype=pl.Int64))

    def _letters(self, piece: Piece, now: datetime) -> list[DeadLetter]:
        return [
            DeadLetter(self.entry, row.number, row.line, self._why(row), now, row.faults[0].cause)
            for row in piece.faulty
        ]

    def _why(self, row: Faulty) -> str:
        return f"{self.named} {row.number}, {row.sentence}"


def _ledger_row(batch_id: int, dealt: Dealt, started_at: datetime) -> LedgerRow:
    return LedgerRow(
        batch_id=batch_id,
        origin="import",
        shard=0,
        first_entry=None,
        last_entry=None,
        entries=0,
        taken=dealt.rows - dealt.skipped,
        stored=dealt.stored,
        duplicates=dealt.duplicates,
        dead_lettered=dealt.dead_lettered,
        too_late=0,
        anomalies=0,
        retracted=0,
        rule_errors={},
        dagster_run_id=None,
        oldest_received_at=None,
        started_at=started_at,
    )
