"""The buckets that the rows of a `deviation` lie in, and the bounds that their past sets them (see buckets.py)."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from rules.conditions import Deviation
from rules.episode import runs
from rules.kinds.buckets import Baseline, predict
from rules.metrics import Measure
from rules.window import first_of_runs

_END_OF_TIME = 2**62
# Numbers; long pasts take much room.
_MOST_REMEMBERED = 1_000_000
_LONGEST_KEPT = 16
_JUDGED = {
    "group_key": pl.UInt64,
    "bucket": pl.Int64,
    "value": pl.Float64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "first_row": pl.UInt32,
    "end_row": pl.UInt32,
}


@dataclass(frozen=True)
class Placed:
    """Rows in buckets of `size` microseconds: `frame` has each one's number (`row`), `group_key`, `at` and `bucket`."""

    rows: pl.DataFrame
    size: int
    frame: pl.DataFrame

    @classmethod
    def of(cls, rows: pl.DataFrame, size: int) -> "Placed":
        at = rows["timestamp"].cast(pl.Int64).alias("at")
        frame = pl.DataFrame([rows["group_key"], at, (at // size).alias("bucket")])
        return cls(rows, size, frame.with_row_index("row"))

    def measure(self, condition: Deviation) -> Measure:
        """The metric over spans of rows that begin with the first row of a bucket."""
        return Measure(condition, self.rows, self.frame["at"], self.size, self.frame["bucket"])


class _Pattern(NamedTuple):
    """What the bounds of a group's buckets depend on, counted in buckets from its first one: which buckets have events
    and what value each, and the first and last bucket that are asked for."""

    buckets: tuple[int, ...]
    values: tuple[float | None, ...]
    since: int
    until: int


#: A bucket counted from the group's first one, its value, and its bounds where it has a past.
_Bounded = tuple[int, float | None, float | None, float | None]


def judged_buckets(
    condition: Deviation, placed: Placed, first: int, last: int | None, *, inside_too: bool
) -> pl.DataFrame:
    """Every bucket from `first` on that may lie outside of its bounds, with its value and bounds where it has them;
    without `inside_too` not those that are seen to lie between them."""
    baseline = Baseline.of(condition)
    filled = _filled(condition, placed)
    judge = _Judge(condition, baseline, inside_too)
    found: list[tuple[int, int, float | None, float | None, float | None, int, int]] = []
    all_buckets, all_values = filled["bucket"].to_list(), filled["value"].to_list()
    for key, start, end in runs(filled["group_key"]):
        began, buckets = all_buckets[start], all_buckets[start:end]
        until = _END_OF_TIME if last is None else max(last, buckets[-1])
        since = max(first, began) if inside_too else max(first, baseline.first_predicted(began))
        if since > until:
            continue
        pattern = _Pattern(
            tuple([bucket - began for bucket in buckets]),
            tuple(all_values[start:end]),
            since - began,
            min(until, buckets[-1] + baseline.reach) - began,
        )
        for after, value, lower, upper in judge.bounded(pattern):
            bucket = began + after
            found.append((key, bucket, value, lower, upper, *_span(filled, buckets, start, bucket)))
    return pl.DataFrame(found, schema=_JUDGED, orient="row")


class _Judge:
    """Groups in which little happens mostly went the same way, and many buckets have the same past; neither is looked
    at twice."""

    def __init__(self, condition: Deviation, baseline: Baseline, inside_too: bool) -> None:
        self._condition = condition
        self._baseline = baseline
        self._inside_too = inside_too
        self._bounded: dict[_Pattern, list[_Bounded]] = {}
        self._bounds: dict[tuple[float, ...], tuple[float, float]] = {}

    def bounded(self, pattern: _Pattern) -> list[_Bounded]:
        """The buckets to be told of groups that went like this."""
        if len(pattern.buckets) > _LONGEST_KEPT:
            return list(self._find(pattern))
        known = self._bounded.get(pattern)
        if known is None:
            if len(self._bounded) * _LONGEST_KEPT > _MOST_REMEMBERED:
                self._bounded.clear()
            known = self._bounded[pattern] = list(self._find(pattern))
        return known

    def _find(self, pattern: _Pattern) -> Iterator[_Bounded]:
        known = {
            bucket: value for bucket, value in zip(pattern.buckets, pattern.values, strict=True) if value is not None
        }
        missing = 0.0 if self._baseline.empty_is_zero else None
        for bucket, past in self._baseline.pasts(pattern.buckets, known, pattern.since, pattern.until):
            value = known.get(bucket, missing)
            if past is None:
                if self._inside_too:
                    yield bucket, value, None, None
                continue
            lower, upper = self._bounds_after(past)
            if self._inside_too or not (value is None or lower < value < upper):
                yield bucket, value, lower, upper

    def _bounds_after(self, past: tuple[float, ...]) -> tuple[float, float]:
        known = self._bounds.get(past)
        if known is None:
            if len(self._bounds) * len(past) > _MOST_REMEMBERED:
                self._bounds.clear()
            centre, spread = predict(self._condition, past)
            width = self._condition.value * spread
            known = self._bounds[past] = centre - width, centre + width
        return known


def _filled(condition: Deviation, placed: Placed) -> pl.DataFrame:
    """The buckets that hold rows, with the numbers of their first row and of the one after their last, and the value of
    the metric."""
    keys, buckets = placed.frame["group_key"], placed.frame["bucket"]
    first = (first_of_runs(keys) | first_of_runs(buckets)).arg_true()
    end = first.slice(1).append(pl.Series([placed.frame.height], dtype=first.dtype).slice(0, len(first)))
    value = placed.measure(condition).values(first, end)
    columns = [keys[first], buckets[first], first.alias("first_row"), end.alias("end_row"), value.alias("value")]
    return pl.DataFrame(columns)


def _span(filled: pl.DataFrame, buckets: list[int], start: int, bucket: int) -> tuple[int, int]:
    """The rows of a bucket of the group whose filled buckets begin with number `start`."""
    place = bisect_left(buckets, bucket)
    if place == len(buckets) or buckets[place] != bucket:
        return 0, 0
    return filled["first_row"][start + place], filled["end_row"][start + place]
