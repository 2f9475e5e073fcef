"""Drain the stream: lead a shard for the length of a lease and move its events into the database, batch by batch.

Nothing here knows Dagster. The order that makes it safe to interrupt at any point: take, commit, tell, acknowledge.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from eventpulse.stream.entry import Entry
from eventpulse.stream.numbering import Settled
from eventpulse.stream.reader import StreamReader
from pipelines.live.store_batch import BatchStore, Committed

#: How long one wait for new entries lasts: how soon the drain notices that it shall stop, or that time has passed.
WAIT_MILLISECONDS = 250
_BEHIND_SECONDS = 0.25


@dataclass
class Tally:
    """What a drain run has done so far."""

    batches: int = 0
    taken: int = 0
    stored: int = 0
    duplicates: int = 0
    dead_lettered: int = 0
    anomalies: int = 0
    retracted: int = 0
    first_batch_id: int | None = None
    last_batch_id: int | None = None
    first_entry: str | None = None
    last_entry: str | None = None
    last_lag_seconds: float = 0.0
    new_events_by_day: dict[str, int] = field(default_factory=dict)
    anomalies_by_day: dict[str, int] = field(default_factory=dict)
    alerts: int = 0
    alerts_by_day: dict[str, int] = field(default_factory=dict)

    def add(self, committed: Committed, lag_seconds: float) -> None:
        """Count one more micro-batch."""
        row = committed.row
        self.batches += 1
        self.taken += row.taken
        self.stored += row.stored
        self.duplicates += row.duplicates
        self.dead_lettered += row.dead_lettered
        self.anomalies += row.anomalies
        self.retracted += row.retracted
        self.first_batch_id = self.first_batch_id or row.batch_id
        self.last_batch_id = row.batch_id
        self.first_entry = self.first_entry or row.first_entry
        self.last_entry = row.last_entry or self.last_entry
        self.last_lag_seconds = lag_seconds
        _add(self.new_events_by_day, committed.new_events_by_day)
        _add(self.anomalies_by_day, committed.anomalies_by_day)
        self.alerts += len(committed.alerts.new)
        _add(self.alerts_by_day, committed.alerts.opened_by_day)

    @property
    def touched_days(self) -> list[str]:
        """The UTC days for which there is anything to report."""
        return sorted(self.new_events_by_day.keys() | self.anomalies_by_day.keys())


@dataclass(frozen=True)
class Pace:
    """How much one micro-batch takes, and how long it gathers when there is much to do."""

    max_events: int
    max_bytes: int
    linger_seconds: float


class Drain:
    """The leader of a shard at work. `tell` is called after each commit, before the entries are acknowledged."""

    def __init__(
        self,
        reader: StreamReader,
        store: BatchStore,
        pace: Pace,
        *,
        tell: Callable[[Committed, float], None],
        settled: Settled,
        wait_milliseconds: int | None = None,
    ) -> None:
        self._reader = reader
        self._store = store
        self._pace = pace
        self._tell = tell
        self._settled = settled
        self._wait_milliseconds = wait_milliseconds
        self._busy_until = 0.0
        self._rest = 0.0

    def finish_what_was_left(self) -> None:
        """Take what a dead leader was given and did not acknowledge; before anything new, so that order is kept."""
        self._reader.prepare()
        abandoned = self._reader.claim_abandoned()
        for page in self._reader.unacknowledged():
            # Its leader died between commit and acknowledgement. What others were given was not theirs to commit.
            done = [entry for entry in page if self._settled.includes(entry) and entry.entry_id not in abandoned]
            self._reader.acknowledge(done)
            ids = {entry.entry_id for entry in done}
            if left := [entry for entry in page if entry.entry_id not in ids]:
                self._move(left)

    def step(self) -> bool:
        """One micro-batch, or one short wait for it; true where there was one."""
        if entries := self._take():
            if self._reader.held() > len(entries):
                # A drain that has lost the lead and does not know it yet has read from the stream too. What it was
                # given comes first, and it must not be taken for committed once what follows it is.
                self.finish_what_was_left()
            else:
                self._move(entries)
            return True
        if committed := self._store.look_around():
            self._tell(committed, 0.0)
        return False

    def _take(self) -> list[Entry]:
        pace = self._pace
        if time.monotonic() < self._busy_until:
            # Under load a few milliseconds of patience make one batch of many; the first event after quiet never waits.
            time.sleep(self._rest)
        return self._reader.take(
            max_events=pace.max_events,
            max_bytes=pace.max_bytes,
            block_milliseconds=self._wait_milliseconds or WAIT_MILLISECONDS,
        )

    def _move(self, entries: Sequence[Entry]) -> None:
        started = time.monotonic()
        committed = self._store.commit(entries)
        self._settled = Settled({**self._settled.counters, **committed.row.counters}, entries[-1].entry_id, begun=True)
        lag = time.time() - entries[0].milliseconds / 1000
        self._tell(committed, lag)
        self._reader.acknowledge(entries)  # last, so that a crash repeats work rather than losing it
        now = time.monotonic()
        self._rest = rest_after(now - started, lag, self._pace.linger_seconds)
        self._busy_until = now + 4 * self._pace.linger_seconds


def rest_after(worked_seconds: float, lag_seconds: float, linger_seconds: float) -> float:
    """How long to gather before the next micro-batch: as long as the last one took, within one to two lingers, so
    that the more there is to do, the more is done at once. A drain that is behind does not rest."""
    if lag_seconds > _BEHIND_SECONDS:
        return 0.0
    return min(max(worked_seconds, linger_seconds), 2 * linger_seconds)


def _add(to: dict[str, int], more: dict[str, int]) -> None:
    for day, count in more.items():
        to[day] = to.get(day, 0) + count
