"""One micro-batch, one transaction: events, what the rules find in them, dead letters and the ledger row.

Several drains share the work by shards: `take_in` sees to it that each judges on all that was judged before it.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import polars as pl
import psycopg

from eventpulse.clock import Clock
from eventpulse.database.anomalies.findings import restate_anomalies, retract_anomalies, save_anomalies, save_progress
from eventpulse.database.anomalies.history_lock import while_storing
from eventpulse.database.connect import CONNECTION_LOST
from eventpulse.database.events.incoming import REFUSALS, count_by_minute, refused_events
from eventpulse.database.events.partitions import DayPartitions
from eventpulse.database.ledger.ledger import LedgerRow, next_batch_id, present, set_aside, settled, write
from eventpulse.stream.entry import Entry
from eventpulse.stream.numbering import reckon
from pipelines.keep_alerts import AlertChanges
from pipelines.live.count_days import count_days
from pipelines.live.find_anomalies import Detector, Foreseen, Found
from pipelines.live.live_alerts import LiveAlerts
from pipelines.live.live_coverage import LiveCoverage
from pipelines.live.read_events import NOTHING_READ, READ_SCHEMA, ReadEvents, read_events
from pipelines.live.set_aside import set_future_aside, set_lines_aside
from pipelines.live.take_in import Intake
from rules.window import watermark_at

_NONE: Mapping[UUID, str] = {}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Committed:
    """A micro-batch that is in the database: its ledger row, what it found, and how much by UTC day of event time."""

    row: LedgerRow
    found: Found
    new_events_by_day: dict[str, int]
    anomalies_by_day: dict[str, int]
    newest_event_at: datetime | None
    turn: int
    alerts: AlertChanges


class BatchStore:
    """Stores micro-batches over one connection, in the order in which they are handed over."""

    def __init__(
        self,
        connection: psycopg.Connection,
        detector: Detector,
        *,
        shard: int,
        run_id: str | None,
        clock: Clock,
        idle: timedelta,
        lateness: timedelta,
        future: timedelta = timedelta(seconds=300),
        alone: bool = True,
    ) -> None:
        """`alone`: no other drain is expected to judge beside this one; see `take_in`."""
        self._connection = connection
        self._detector = detector
        self._partitions = DayPartitions()
        self._coverage = LiveCoverage()
        self._shard = shard
        self._run_id = run_id
        self._clock = clock
        self._idle = idle
        self._lateness = lateness
        self._future = future
        self._alone = alone
        self._intake = Intake(connection, detector, alone=alone)
        self._alerts = LiveAlerts(connection, detector, clock, idle, run_id)
        self._counters: dict[str, int] | None = None
        self._begun = False
        self._newest_event_at: datetime | None = None

    def watermark(self, newest: datetime | None) -> datetime:
        """How far conditions that move without events may be judged: no event before it is waited for any more."""
        return watermark_at(self._clock(), newest, lateness=self._lateness, idle=self._idle)

    def look_around(self) -> Committed | None:
        """What a drain does while no events come: follow the rule book, and judge what time alone has made true.

        Writes only where something was found, so that quiet costs nothing.
        """
        started_at = self._clock()
        try:
            return self._look_around(started_at)
        except CONNECTION_LOST:
            raise
        except Exception:  # some rule's, of whatever kind; it must not stop the others
            return self._look_around(started_at, self._faulty_rules(READ_SCHEMA.to_frame(), started_at))

    def _look_around(self, started_at: datetime, faulty: Mapping[UUID, str] = _NONE) -> Committed | None:
        if not self._alone:
            faults = {**self._detector.follow(), **faulty}  # so that a turn is only taken where there is reason to
            if not faults and not self._waits_for_time():
                return None
        with self._connection.transaction():
            while_storing(self._connection, in_turn=True)
            now = present(self._connection)
            if not self._alone and not self._detector.is_at(now):
                return None  # somebody has just judged, and time as well; the next look will tell
            faults = {**self._detector.catch_up(now), **faulty}
            watermark = self.watermark(self._newest_known)
            if not faults and not self._waits_for_time():
                return None
            foreseen = self._detector.foresee(READ_SCHEMA.to_frame(), watermark, faults, shard=self._shard)
            found = self._detector.find(foreseen, watermark, started_at, faults)
            committed = None
            if found.changes_anything or self._alerts.wait_for_time():
                batch_id, _ = next_batch_id(self._connection)
                alerts = self._save(found, batch_id)
                row = self._ledger_row(batch_id, found, started_at)
                turn = write(self._connection, row)
                by_day = _in_words(_by_day(found.anomalies["occurred_at"]))
                committed = Committed(row, found, {}, by_day, self._newest_event_at, turn, alerts)
        self._keep(found, committed)
        return committed

    def commit(self, entries: Sequence[Entry]) -> Committed:
        """Store what entries hold and what follows from it, or nothing.

        1. decode; lines that are no events, or events from the future, are set aside
        2. make missing day partitions
        3. in one transaction: events, rules, anomalies, dead letters, ledger row
        4. only then remember, so that a batch that fails is judged again from the same state
        """
        started_at = self._clock()
        read = set_future_aside(read_events(entries), entries, self._future)
        try:
            committed = self._store_what_can_be(entries, read, started_at)
        except psycopg.errors.DeadlockDetected:
            # Two drains that brought the same events have waited for each other; PostgreSQL let the other one go on.
            committed = self._store_what_can_be(entries, read, started_at)
        self._keep(committed.found, committed)
        self._coverage.keep()
        self._newest_event_at = committed.newest_event_at
        self._counters = {**(self._counters or {}), **committed.row.counters}
        return committed

    def _store_what_can_be(self, entries: Sequence[Entry], read: ReadEvents, started_at: datetime) -> Committed:
        try:
            return self._store(entries, read, started_at)
        except REFUSALS:
            read = self._without_refused(entries, read)
        except CONNECTION_LOST:
            raise
        except Exception:  # some rule's, of whatever kind; it must not stop persistence or other rules
            _log.exception("A micro-batch could not be stored with all rules; the faulty ones are left out.")
        return self._store(entries, read, started_at, self._faulty_rules(read.events, started_at))

    @property
    def _newest_known(self) -> datetime | None:
        """The newest event of all shards, as far as it is known here: what the watermark follows."""
        return max(filter(None, (self._newest_event_at, self._detector.newest_followed)), default=None)

    def _faulty_rules(self, events: pl.DataFrame, started_at: datetime) -> dict[UUID, str]:
        """Which rules cannot be evaluated over events, or not be written down, and why: each is tried alone."""
        faulty: dict[UUID, str] = {}
        with self._connection.transaction(force_rollback=True):
            in_hand = self._intake.take_in(_once(events), faulty={}, foresee=None, count=lambda new, faults: None)
            watermark = self._watermark_with(in_hand.new)
            for rule_id in self._detector.rules:
                others = {other: "" for other in self._detector.rules if other != rule_id} | in_hand.faults
                try:
                    with self._connection.transaction(force_rollback=True):
                        foreseen = self._detector.foresee(in_hand.new, watermark, others, shard=self._shard)
                        found = self._detector.find(foreseen, watermark, started_at, others)
                        self._save(found, in_hand.batch_id)
                except CONNECTION_LOST:
                    raise
                except Exception as fault:
                    faulty[rule_id] = f"{type(fault).__name__}: {fault}"
        return faulty

    def _store(
        self,
        entries: Sequence[Entry],
        read: ReadEvents,
        started_at: datetime,
        faulty: Mapping[UUID, str] = _NONE,
    ) -> Committed:
        once = _once(read.events)
        days = list(_by_day(once["timestamp"]))
        self._partitions.ensure(self._connection, days, started_at.date())

        def foresee(faults: dict[UUID, str]) -> Foreseen:
            return self._detector.foresee(once, self._watermark_with(once), faults, shard=self._shard)

        def count(new: pl.DataFrame, faults: dict[UUID, str]) -> None:
            judging = [rule for rule_id, rule in self._detector.rules.items() if rule_id not in faults]
            # Before the counts by minute, which tell what was stored of a day before a rule came.
            self._coverage.note(self._connection, judging, days, self._watermark_with(new), started_at)
            if not new.is_empty():
                count_by_minute(self._connection, new)

        with self._connection.transaction():
            in_hand = self._intake.take_in(once, faulty=dict(faulty), foresee=foresee, count=count)
            batch_id, new, faults = in_hand.batch_id, in_hand.new, in_hand.faults
            watermark = self._watermark_with(new)
            foreseen = in_hand.foreseen or self._detector.foresee(new, watermark, faults, shard=self._shard)
            found = self._detector.find(foreseen, watermark, started_at, faults)
            alerts = self._save(found, batch_id)
            if read.dead:
                set_aside(self._connection, read.dead, batch_id)
            row = self._ledger_row(batch_id, found, started_at, entries, read, new)
            turn = write(self._connection, row)
        newest = _newest(self._newest_event_at, new)
        return Committed(
            row,
            found,
            _in_words(_by_day(new["timestamp"])),
            _in_words(_by_day(found.anomalies["occurred_at"])),
            newest,
            turn,
            alerts,
        )

    def _watermark_with(self, events: pl.DataFrame) -> datetime:
        return self.watermark(_newest(self._newest_known, events))

    def _waits_for_time(self) -> bool:
        return self._detector.waits_for_time(self.watermark(self._newest_known)) or self._alerts.wait_for_time()

    def _keep(self, found: Found, committed: Committed | None) -> None:
        self._detector.keep(found, committed.turn if committed is not None else None)
        if committed is not None:
            self._alerts.keep(committed.alerts, found)

    def _save(self, found: Found, batch_id: int) -> AlertChanges:
        keeping = self._alerts.begin(found, batch_id)
        if not found.findings.anomalies.is_empty():
            save_anomalies(
                self._connection,
                found.anomalies,
                batch_id=batch_id,
                run_id=self._run_id,
                alert_of=keeping.changes.alert_of,
            )
        if not found.findings.restated.is_empty():
            restate_anomalies(self._connection, found.findings.restated)
        if found.findings.retracted:
            retract_anomalies(self._connection, found.findings.retracted)
        if found.progress:
            save_progress(self._connection, found.progress)
        return self._alerts.finish(keeping, found)

    def _without_refused(self, entries: Sequence[Entry], read: ReadEvents) -> ReadEvents:
        """Move the events that PostgreSQL refuses to the dead letters."""
        with self._connection.transaction(force_rollback=True):
            refused = refused_events(self._connection, read.events)
        lines = read.events["line"]
        reasons = {lines[row]: f"PostgreSQL refused it: {why}" for row, why in refused}
        return set_lines_aside(read, entries, reasons, "refused")

    def _ledger_row(
        self,
        batch_id: int,
        found: Found,
        started_at: datetime,
        entries: Sequence[Entry] = (),
        read: ReadEvents = NOTHING_READ,
        new: pl.DataFrame = NOTHING_READ.events,
    ) -> LedgerRow:
        if self._counters is None:
            known = settled(self._connection, self._shard)
            self._counters, self._begun = dict(known.counters), known.begun
        reckoning = reckon(entries, self._counters, begun=self._begun)
        anomalies = found.findings.anomalies
        severities = {} if anomalies.is_empty() else dict(anomalies["severity"].value_counts().iter_rows())
        return LedgerRow(
            batch_id=batch_id,
            origin="live",
            shard=self._shard,
            first_entry=entries[0].entry_id if entries else None,
            last_entry=entries[-1].entry_id if entries else None,
            entries=len(entries),
            taken=read.taken,
            stored=new.height,
            duplicates=read.events.height - new.height,
            dead_lettered=len(read.dead),
            too_late=found.findings.too_late,
            anomalies=anomalies.height,
            retracted=len(found.findings.retracted),
            rule_errors={str(rule_id): why for rule_id, why in found.findings.faults.items()},
            dagster_run_id=self._run_id,
            oldest_received_at=read.events["received_at"].min(),  # type: ignore[arg-type]
            started_at=started_at,
            days=count_days(entries, read, new, reckoning) if entries else (),
            counters=reckoning.reached,
            anomalies_by_severity=severities,
            newest_event_at=new["timestamp"].max(),  # type: ignore[arg-type]
            changed_rules=found.findings.changed,
        )


def _once(events: pl.DataFrame) -> pl.DataFrame:
    if events["event_id"].n_unique() == events.height:
        return events
    return events.unique("event_id", keep="first", maintain_order=True)


def _by_day(instants: pl.Series) -> dict[date, int]:
    """How many instants lie in each UTC day. Mostly it is one day, and that is seen without counting."""
    if instants.is_empty():
        return {}
    first, last = instants.min(), instants.max()
    assert isinstance(first, datetime) and isinstance(last, datetime)
    if first.date() == last.date():
        return {first.date(): len(instants)}
    return dict(instants.dt.date().value_counts(sort=False).iter_rows())


def _in_words(by_day: Mapping[date, int]) -> dict[str, int]:
    return {day.isoformat(): count for day, count in by_day.items()}


def _newest(before: datetime | None, events: pl.DataFrame) -> datetime | None:
    instants = [instant for instant in (before, events["timestamp"].max()) if isinstance(instant, datetime)]
    return max(instants, default=None)
