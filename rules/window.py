"""Where windows begin and end among sorted rows: one binary search for all groups at once.

The window at instant t is (t - window, t]. Rows come sorted by (group_key, timestamp, position, event_id); an event is
judged with itself and the rows before it in that order, so its window is the rows from `first_inside` to itself.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from eventpulse.event import UTC_MICROSECONDS

#: The part of event time that an instant just before another one lies away, with room to spare.
A_MOMENT = timedelta(microseconds=2)
#: A look-back that reaches to the first event there is.
FOREVER = timedelta.max
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_LARGEST_INT64 = 2**62


def microseconds(span: timedelta) -> int:
    """A span as the integer that timestamps count in."""
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def earlier(instant: datetime, span: timedelta) -> datetime:
    """`instant - span`, but never before the beginning of time."""
    return instant - span if instant - BEGINNING > span else BEGINNING


def reaching(*spans: timedelta) -> timedelta:
    """The sum of spans; FOREVER where one of them is."""
    return FOREVER if FOREVER in spans else sum(spans, A_MOMENT)


def parted(rows: pl.DataFrame, instant: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows after an instant, and those at or before it."""
    if rows["timestamp"].is_sorted():
        place = bisect_right(rows["timestamp"].cast(pl.Int64), instant_of(instant))
        return rows.slice(place), rows.slice(0, place)
    young = rows["timestamp"] > instant
    return rows.filter(young), rows.filter(~young)


def watermark_at(now: datetime, newest: datetime | None, *, lateness: timedelta, idle: timedelta) -> datetime:
    """How far truth that moves without events may be judged: no event before it is waited for any more. `newest` is the
    newest event time known."""
    by_clock = now - idle
    return by_clock if newest is None else max(newest - lateness, by_clock)


def instant_of(at: datetime) -> int:
    """An instant as the integer that timestamps are: microseconds since 1970."""
    return microseconds(at - EPOCH)


def window_starts(rows: pl.DataFrame, numbers: Sequence[int], starts: Sequence[int]) -> list[int]:
    """For each of some rows, the number of the first row of its group that is later than its start; at most the number
    of the row after it."""
    keys, instants = rows["group_key"], rows["timestamp"].cast(pl.Int64)
    if keys[0] == keys[-1]:
        return [bisect_right(instants, start, 0, row + 1) for row, start in zip(numbers, starts, strict=True)]
    firsts = [bisect_left(keys, keys[row], 0, row) for row in numbers]
    bounds = zip(numbers, starts, firsts, strict=True)
    return [bisect_right(instants, start, first, row + 1) for row, start, first in bounds]


def all_at(instant: datetime, height: int) -> pl.Series:
    """A column of one instant; by way of an integer, which is much quicker than a datetime."""
    return pl.Series([instant_of(instant)], dtype=pl.Int64).cast(UTC_MICROSECONDS).new_from_index(0, height)


def first_of_runs(values: pl.Series) -> pl.Series:
    """Which values are other than the one before them; the first one is."""
    return _ONE.slice(0, len(values)).append(_turns(values))


def last_of_runs(values: pl.Series) -> pl.Series:
    """Which values are other than the one after them; the last one is."""
    return _turns(values).append(_ONE.slice(0, len(values)))


def _turns(values: pl.Series) -> pl.Series:
    pairs = max(len(values) - 1, 0)
    return values.slice(1) != values.slice(0, pairs)


_ONE = pl.Series([True])


@dataclass(frozen=True)
class Line:
    """Sorted rows laid out on one line of integers, one group behind the other.

    Neighbouring groups stand further apart than any window reaches (`reach` to either side of a row), so the rows of a
    window of any group are found by searching the whole line.
    """

    keys: pl.Series
    instants: pl.Series
    places: pl.Series
    reach: int

    @classmethod
    def of(cls, rows: pl.DataFrame, reach: timedelta) -> "Line":
        instants = rows["timestamp"].cast(pl.Int64)
        keys = rows["group_key"]
        if keys[0] == keys[-1]:
            return cls(keys, instants, instants, microseconds(reach))
        low: int = instants.min()  # type: ignore[assignment]
        stride = instants.max() - low + 2 * microseconds(reach) + 1  # type: ignore[operator]
        numbers = rows.select(pl.col("group_key").rle_id()).to_series()
        whole = pl.Int64 if (int(numbers[-1]) + 1) * stride < _LARGEST_INT64 else pl.Int128
        places = numbers.cast(whole) * pl.Series([stride], dtype=whole) + (instants - low).cast(whole)
        return cls(keys, instants, places, microseconds(reach))

    def rows_until(self, places: pl.Series) -> pl.Series:
        """How many rows lie at or before each place; the number of the first row after it."""
        return self.places.search_sorted(places, "right")

    def rows_before(self, places: pl.Series) -> pl.Series:
        """How many rows lie before each place."""
        return self.places.search_sorted(places, "left")

    def ends(self, found: pl.DataFrame) -> pl.Series:
        """The number of the row after the last one that each moment (`row`, `place`) is judged with: after its own, or
        where it is no row's, after those at its place or before."""
        after = found["row"] + 1
        return after.fill_null(self.rows_until(found["place"])) if after.null_count() else after

    def first_inside(self, places: pl.Series, window: timedelta) -> pl.Series:
        """The number of the first row of each window that ends at a place."""
        return self.rows_until(places - microseconds(window))


def moments(line: Line, from_on: int, *spans: timedelta, until: int | None = None) -> pl.DataFrame:
    """Every moment from `from_on` on at which windows change: each row, and each instant, not later than `until`, at
    which a row is one of `spans` old. `from_on` itself is one too for each group that began before it, so that it is
    known what holds there.

    Columns: `group_key`, `at` in microseconds, `row` (the number of the row whose event it is, null where time alone
    moves) and `place` on the line. In order; where rows of the group arrive at the instant at which others leave, their
    moments are enough: each of them is judged without what has left.
    """
    everything = pl.DataFrame([line.keys.alias("group_key"), line.instants.alias("at"), line.places.alias("place")])
    everything = everything.with_row_index("row")
    silent = [_when_rows_are_old(line, everything, microseconds(span), from_on, until) for span in spans]
    before = line.instants < from_on
    found = everything
    if before.any():
        last = before & (last_of_runs(line.keys) | last_of_runs(before))
        silent.append(_what_held_at(from_on, everything.filter(last), line.reach))
        found = everything.filter(~before)
    if not silent:
        return found
    leaving = pl.concat(silent).unique("place") if len(silent) > 1 else silent[0]
    return pl.concat([found, leaving]).sort("place", maintain_order=True)


def _when_rows_are_old(
    line: Line, everything: pl.DataFrame, span: int, from_on: int, until: int | None
) -> pl.DataFrame:
    """The instants from `from_on` to `until` at which rows are `span` old and no row of the group stands."""
    asked_for = last_of_runs(line.places) & (line.instants >= from_on - span)
    if until is not None:
        asked_for &= line.instants <= until - span
    young = everything.filter(asked_for)
    old = young.with_columns(row=pl.lit(None, pl.UInt32), at=young["at"] + span, place=young["place"] + span)
    return old.filter(line.rows_before(old["place"]) == line.rows_until(old["place"]))


def _what_held_at(from_on: int, last_rows: pl.DataFrame, reach: int) -> pl.DataFrame:
    """One moment at `from_on` for each group, placed no further from its last row than windows reach: beyond, nothing
    is in them any more."""
    later = (from_on - last_rows["at"]).clip(upper_bound=reach)
    return last_rows.with_columns(
        row=pl.lit(None, pl.UInt32), at=pl.lit(from_on, pl.Int64), place=last_rows["place"] + later
    )
