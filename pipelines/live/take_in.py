"""Store the events of a micro-batch and have the turn to judge them, inside the micro-batch's transaction.

A drain that is alone takes its turn first: its rules are evaluated while PostgreSQL stores. Drains that share the work
by shards store side by side, take their turns when their events are in, and catch up with what the others have judged:

1. the events are inserted; an event that another drain is just inserting is waited for, and is then a duplicate
2. the turn: from here on nobody else judges, until this transaction ends
3. what was judged since this drain last looked is remembered, and the rule book followed
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from uuid import UUID

import polars as pl
import psycopg

from eventpulse.database.anomalies.history_lock import take_turn, while_storing
from eventpulse.database.events.incoming import store_events
from eventpulse.database.ledger.ledger import next_batch_id, present
from pipelines.live.find_anomalies import Detector, Foreseen

#: For a few events it is not worth it to judge while they are stored: two threads cost more than they save.
_WORTH_A_THREAD = 1_000
Faults = dict[UUID, str]


@dataclass(frozen=True)
class InHand:
    """A micro-batch whose events are stored and which is the one to be judged now. `new` are those that were not there
    before; `faults` the rules that cannot be evaluated. `foreseen` is what was judged while they were being stored,
    where that still holds."""

    batch_id: int
    new: pl.DataFrame
    faults: Faults
    foreseen: Foreseen | None


class Intake:
    """Takes in the micro-batches of one drain. `alone`: no other drain is expected to judge beside it; should there be
    one all the same, that may cost time, and nothing else."""

    def __init__(self, connection: psycopg.Connection, detector: Detector, *, alone: bool) -> None:
        self._connection = connection
        self._detector = detector
        self._alone = alone
        self._met_others = not alone
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="rules")

    def take_in(
        self,
        events: pl.DataFrame,
        *,
        faulty: Faults,
        foresee: Callable[[Faults], Foreseen] | None,
        count: Callable[[pl.DataFrame, Faults], None],
    ) -> InHand:
        """Store events (each id once) and have the turn. `foresee` judges them on the assumption that all are new;
        mostly they are. `count` is called with those that are, in the turn."""
        while_storing(self._connection, in_turn=self._alone)
        batch_id, now = next_batch_id(self._connection)
        faults = {**self._detector.catch_up(now), **faulty} if self._alone else faulty
        ahead: Future[Foreseen] | None = None
        if foresee is not None and not self._met_others and events.height >= _WORTH_A_THREAD:
            ahead = self._pool.submit(foresee, faults)
        try:
            new = self._store(events, batch_id)
            if self._alone:
                count(new, faults)
        finally:
            if ahead is not None:
                wait([ahead])
        if not self._alone:
            known = self._detector.known
            take_turn(self._connection, lambda: self._detector.follow_others(present(self._connection).turn))
            faults = {**self._detector.catch_up(present(self._connection), besides=batch_id), **faulty}
            count(new, faults)
            self._met_others = self._detector.known != known
        holds = ahead is not None and new is events and (self._alone or not self._met_others)
        return InHand(batch_id, new, faults, ahead.result() if ahead is not None and holds else None)

    def _store(self, events: pl.DataFrame, batch_id: int) -> pl.DataFrame:
        """Those that were not there before; `events` itself where that is all of them."""
        if events.is_empty():
            return events
        return store_events(self._connection, events, batch_id=batch_id, origin="live")
