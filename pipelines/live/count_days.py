"""Break a micro-batch down by UTC day of acceptance, which is the day in the id of an event's own stream entry."""

from collections.abc import Sequence

import polars as pl

from eventpulse.database.ledger.ledger import DayCounts
from eventpulse.event import INDEX_BITS, SEQUENCE_BITS
from eventpulse.stream.entry import Entry
from eventpulse.stream.numbering import Reckoning
from pipelines.live.read_events import ReadEvents


def count_days(entries: Sequence[Entry], read: ReadEvents, new: pl.DataFrame, reckoning: Reckoning) -> list[DayCounts]:
    """What became of the events of each day, oldest day first. `new` are the events that were stored.

    Entries are in order, so a micro-batch has one day unless midnight lies in it.
    """
    days = sorted({entries[0].received_at.date(), entries[-1].received_at.date()})
    if len(days) == 1:
        counts = [(days[0], read.events.height, new.height, len(read.dead))]
    else:
        readable, stored = _by_day(read.events), _by_day(new)
        days = sorted({entry.received_at.date() for entry in entries})
        dead = [letter.received_at.date() for letter in read.dead]
        counts = [(day, readable.get(day, 0), stored.get(day, 0), dead.count(day)) for day in days]
    return [
        DayCounts(
            day=day,
            taken=events + dead_lettered,
            stored=kept,
            duplicates=events - kept,
            dead_lettered=dead_lettered,
            missing=reckoning.missing.get(day, 0),
            uncounted=reckoning.uncounted.get(day, 0),
        )
        for day, events, kept, dead_lettered in counts
    ]


def _by_day(events: pl.DataFrame) -> dict[object, int]:
    milliseconds = pl.col("position") // (1 << (SEQUENCE_BITS + INDEX_BITS))
    day = pl.from_epoch(milliseconds, time_unit="ms").dt.date().alias("day")
    return dict(events.group_by(day).len().iter_rows())
