"""Follow the numbers of stream entries: what was accepted and is missing, what is there and was never accepted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from eventpulse.stream.entry import Entry


@dataclass(frozen=True)
class Settled:
    """Up to where the ledger knows what became of every event of a shard.

    `counters` has the running number of the last event by counter; `last_entry` is the id of the last stream entry.
    `begun`: the ledger knows any counter, be it of another shard, so that one it does not know has just begun.
    """

    counters: Mapping[str, int] = field(default_factory=dict)
    last_entry: str | None = None
    begun: bool = False

    def includes(self, entry: Entry) -> bool:
        """Whether an entry has been committed. Ids begin anew with another Redis, numbers tell one from the other."""
        if entry.counter is not None and entry.accepted is not None:
            return entry.accepted <= self.counters.get(entry.counter, 0)
        return self.last_entry is not None and _place(entry.entry_id) <= _place(self.last_entry)


@dataclass(frozen=True)
class Reckoning:
    """What entries say about those before them. `missing` events were accepted and are not there, `uncounted` ones are
    there and were not accepted, both by UTC day of the entry that shows it; both are empty where all is well.
    `reached` is where each of their counters is settled with them."""

    reached: dict[str, int] = field(default_factory=dict)
    missing: dict[date, int] = field(default_factory=dict)
    uncounted: dict[date, int] = field(default_factory=dict)


def reckon(entries: Iterable[Entry], counters: Mapping[str, int], *, begun: bool = False) -> Reckoning:
    """Compare entries, oldest first, with where those before them ended.

    A ledger that has not begun misses nothing of what came before it. A number that goes back is a Redis that
    forgot a part; what it forgot is found by whoever watches the counter itself.
    """
    known = dict(counters)
    reckoning = Reckoning()
    for entry in entries:
        day, lines = entry.received_at.date(), entry.line_count
        counter, accepted = entry.counter, entry.accepted
        if counter is None or accepted is None:
            _add(reckoning.uncounted, day, lines)
            continue
        before = accepted - entry.count
        _add(reckoning.missing, day, before - known.get(counter, 0 if known or begun else before))
        _add(reckoning.missing, day, entry.count - lines)
        _add(reckoning.uncounted, day, lines - entry.count)
        known[counter] = reckoning.reached[counter] = accepted
    return reckoning


def _add(counts: dict[date, int], day: date, more: int) -> None:
    if more > 0:
        counts[day] = counts.get(day, 0) + more


def _place(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence)
