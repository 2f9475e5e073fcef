"""Whether every accepted event is accounted for: stored, duplicate, dead-lettered or pending, and in one of them only.

The ledger says what became of the events that were taken; the running numbers in the stream say how many were accepted,
and how many of them wait. Neither is made from the other, so a difference between them is an event that is missing.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import redis
from sqlalchemy import Connection

from eventpulse.database.ledger.ledger_queries import (
    CounterSeen,
    LedgerTotals,
    counters_seen,
    last_entry_committed,
    ledger_totals,
)
from eventpulse.stream.shards import EVERY_SHARD, shards_counted
from eventpulse.stream.waiting import Waiting, read_waiting

_TRIES = 5


@dataclass(frozen=True)
class Balance:
    """accepted = stored + duplicates + dead_lettered + pending, and `missing` and `uncounted` are 0: it balances.

    `missing` events were accepted and are nowhere; `uncounted` ones came into the stream past the API. `pending_by_day`
    is by UTC day of acceptance. `too_late` and the anomalies are those of the ledger.
    """

    accepted: int
    stored: int
    duplicates: int
    dead_lettered: int
    pending: int
    missing: int
    uncounted: int
    ledger: LedgerTotals
    pending_by_day: dict[date, int]

    @property
    def holds(self) -> bool:
        """Whether nothing is missing and nothing came in unseen."""
        return self.missing == 0 and self.uncounted == 0

    @property
    def sentence(self) -> str:
        """The equation as people read it, and what is wrong with it."""
        said = (
            f"{self.accepted:,} events accepted = {self.stored:,} stored + {self.duplicates:,} duplicates + "
            f"{self.dead_lettered:,} dead-lettered + {self.pending:,} pending"
        )
        if self.missing:
            said += f" + {self.missing:,} MISSING"
        if self.uncounted:
            said += f" - {self.uncounted:,} that nobody accepted"
        return said


def read_balance(connection: Connection, client: "redis.Redis", *, since: date | None = None) -> Balance:
    """The balance as it is now, over everything or over what was accepted from a day on.

    1. the ledger, 2. the streams behind their last entries in the ledger, 3. whether the ledger has moved on meanwhile:
    then again. Where it never stands still, gaps at the front of a stream are left to the drain, which sees them.
    """
    shards = [shard.number for shard in shards_counted(client)]
    last = _last_entries(connection, shards)
    for attempt in range(_TRIES):
        totals, counters = ledger_totals(connection, since), counters_seen(connection)
        waiting = {shard: read_waiting(client, last[shard], EVERY_SHARD[shard]) for shard in shards}
        moved_to = _last_entries(connection, shards)
        if moved_to == last or attempt == _TRIES - 1:
            break
        last = moved_to
    still = {shard: moved_to[shard] == last[shard] for shard in shards}
    return weigh(totals, counters, waiting, since=since, still=still)


def _last_entries(connection: Connection, shards: Sequence[int]) -> dict[int, str | None]:
    return {shard: last_entry_committed(connection, shard) for shard in shards}


def weigh(
    totals: LedgerTotals,
    counters: Sequence[CounterSeen],
    waiting: Mapping[int, Waiting],
    *,
    since: date | None,
    still: Mapping[int, bool],
) -> Balance:
    """Put the ledger and the streams side by side, shard by shard. `still`: the ledger of a shard did not move on
    between the two looks."""
    pending = pending_missing = 0
    for shard, waits in waiting.items():
        current = waits.counter
        if current is None:
            continue
        of_shard = max(current.accepted - _settled(counters, waits), 0)
        if still[shard]:
            pending_missing += max(of_shard - waits.events, 0)
            of_shard = waits.events
        pending += of_shard
    now = {waits.counter.counter for waits in waiting.values() if waits.counter is not None}
    begin = None if since is None else datetime.combine(since, datetime.min.time(), UTC)
    recent = [seen for seen in counters if begin is None or seen.seen_at >= begin]
    lost = sum(seen.lost for seen in recent)
    lost += sum(seen.accepted - seen.settled for seen in recent if seen.counter not in now)
    missing = totals.missing + pending_missing + lost
    by_day: Counter[date] = Counter()
    for waits in waiting.values():
        by_day.update(waits.by_day())
    return Balance(
        accepted=totals.accepted + pending + pending_missing + lost,
        stored=totals.stored,
        duplicates=totals.duplicates,
        dead_lettered=totals.dead_lettered,
        pending=pending,
        missing=missing,
        uncounted=totals.uncounted,
        ledger=totals,
        pending_by_day=dict(by_day),
    )


def _settled(counters: Sequence[CounterSeen], waiting: Waiting) -> int:
    assert waiting.counter is not None
    for seen in counters:
        if seen.counter == waiting.counter.counter:
            return seen.settled
    if counters:
        return 0  # a new counter, of which nothing has been taken yet
    # A ledger that has taken nothing yet misses nothing of what came before it.
    return waiting.first_of_days[0].before if waiting.first_of_days else waiting.counter.accepted
