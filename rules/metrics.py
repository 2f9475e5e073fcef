"""The metrics of windows: what a metric needs of each row, and its value over any span of rows.

- `count`, `rate` (per second of window), `ratio` (rows that also pass the numerator / all rows; no value for none)
- `sum`, `avg`, `min`, `max`, `stddev` (of a sample, no value below two) of the numbers of a field; other values are
  passed over; without any number a sum is 0 and the others have no value
- `p50` … `p99`: the smallest number that at least so many percent of them do not exceed (nearest rank, no
interpolation)
- `distinct`: how many different values the field has, of any type, null and missing aside

Each is a function of the rows in the window alone, to the last bit: sums are exact before they are rounded once.
"""

import math
from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, cast

import polars as pl

from rules.conditions import Measured
from rules.exact_sums import RunningSquares, RunningSums
from rules.fields import as_number, as_token
from rules.kinds.operators import RELATIONS

#: Metrics that are 0 where there are no rows; the others have no value there.
ZERO_WHEN_EMPTY = ("count", "rate", "sum", "distinct")
#: With `>` and `>=`, more events can only make these truer.
GROWING = ("count", "rate", "distinct", "max")
_PERCENTS = {"p50": 50, "p90": 90, "p95": 95, "p99": 99}
RANKED = ("min", "max", *_PERCENTS)


def metric_columns(condition: Measured) -> Mapping[str, pl.Expr]:
    """What a row has to hold for the metric, on a frame of events with their fields."""
    if condition.metric == "ratio" and condition.numerator is not None:
        return {"passes": condition.numerator.expression.fill_null(False)}
    if condition.field is None:
        return {}
    return {"value": as_token(condition.field) if condition.metric == "distinct" else as_number(condition.field)}


@dataclass(frozen=True)
class Measure:
    """A metric over spans of sorted rows. `places` is where the rows lie (rules/window.py), `window` the length, in
    microseconds, of the windows that the spans come from. With `buckets`, the number of each row's bucket, each span
    begins with the first row of a bucket of its group and ends in it."""

    condition: Measured
    rows: pl.DataFrame
    places: pl.Series
    window: int
    buckets: pl.Series | None = None

    def values(self, first: pl.Series, end: pl.Series) -> pl.Series:
        """The metric of the rows from each `first` to before each `end`; null where it has no value."""
        metric = self.condition.metric
        counts = (end - first).cast(pl.Float64)
        if metric == "count":
            return counts
        if metric == "rate":
            # A column by a column: Polars divides a column by a number as a product with its reciprocal, which rounds
            # twice.
            return counts / pl.Series([self.window / 1_000_000]).new_from_index(0, len(counts))
        if metric == "ratio":
            passed = between(self._passing, first, end).cast(pl.Float64)
            return (passed / counts).fill_nan(None)
        if metric == "distinct":
            return self._distinct(first, end).cast(pl.Float64)
        if metric == "stddev":
            variances = self._squares.variances(first, end)
            return pl.Series([None if one is None else math.sqrt(one) for one in variances], dtype=pl.Float64)
        if metric in RANKED:
            return self._ranked(first, end)
        sums = self._sums.between(first, end)
        if metric == "sum":
            return sums
        return (sums / between(self._known, first, end).cast(pl.Float64)).fill_nan(None)

    def relation(self, operator: str, limit: float, first: pl.Series, end: pl.Series) -> pl.Series:
        """Whether the metric of each span stands in relation to the limit; false where it has no value."""
        if self.condition.metric in RANKED:
            return self._rank_relation(operator, limit, first, end)
        return cast(pl.Series, RELATIONS[operator](self.values(first, end), limit)).fill_null(False)

    @cached_property
    def _known(self) -> pl.Series:
        return running(self.rows["value"].is_not_null())

    @cached_property
    def _passing(self) -> pl.Series:
        return running(self.rows["passes"])

    @cached_property
    def _sums(self) -> RunningSums:
        return RunningSums.of(self.rows["value"])

    @cached_property
    def _squares(self) -> RunningSquares:
        return RunningSquares(self.rows["value"])

    def _ranked(self, first: pl.Series, end: pl.Series) -> pl.Series:
        """Spans mostly move on over the rows: what enters and leaves is put into, and taken out of, a sorted list."""
        values, metric = self.rows["value"].to_list(), self.condition.metric
        found: list[float | None] = []
        inside: list[float] = []
        since = until = 0
        for a, b in zip(first.to_list(), end.to_list(), strict=True):
            if a is None or a < since or b < until or a >= until:
                inside = [] if a is None else sorted(value for value in values[a:b] if value is not None)
            else:
                for value in values[since:a]:
                    if value is not None:
                        del inside[bisect_left(inside, value)]
                for value in values[until:b]:
                    if value is not None:
                        insort(inside, value)
            since, until = (0, 0) if a is None else (a, b)
            found.append(inside[rank(metric, len(inside)) - 1] if inside else None)
        return pl.Series(found, dtype=pl.Float64)

    def _rank_relation(self, operator: str, limit: float, first: pl.Series, end: pl.Series) -> pl.Series:
        """The number of rank r is above the limit where fewer than r numbers are not: it need not be found."""
        counts = between(self._known, first, end)
        ranks = rank(self.condition.metric, counts)
        below = between(running(self.rows["value"] < limit), first, end)
        up_to = between(running(self.rows["value"] <= limit), first, end)
        holds = {
            ">": up_to < ranks,
            ">=": below < ranks,
            "<": below >= ranks,
            "<=": up_to >= ranks,
            "==": (below < ranks) & (up_to >= ranks),
            "!=": (below >= ranks) | (up_to < ranks),
        }
        return holds[operator] & (counts > 0)

    def _distinct(self, first: pl.Series, end: pl.Series) -> pl.Series:
        """A value counts from a row that has it until the next row that has it, or until the row leaves the window."""
        repeats, lasts = self._repeats_and_lasts
        known = between(self._known, first * 0, end)
        return known - between(repeats, first * 0, end) - between(lasts, first * 0, first)

    @cached_property
    def _repeats_and_lasts(self) -> tuple[pl.Series, pl.Series]:
        """Running counts of the rows whose value an earlier row still has in the window, and of those that leave the
        window as the last to have theirs."""
        placed = self.rows.select("group_key", "value", place=self.places)
        if self.buckets is not None:
            placed = placed.with_columns(bucket=self.buckets)
        chains = pl.col("place").shift(1), pl.col("place").shift(-1)
        same = [name for name in placed.columns if name != "place"]
        before, after = (one.over(same) for one in chains)
        neighbours = placed.select(
            known=pl.col("value").is_not_null(), since=pl.col("place") - before, to_next=after - pl.col("place")
        )
        repeats = neighbours["known"] & (neighbours["since"] < self.window).fill_null(False)
        lasts = neighbours["known"] & (neighbours["to_next"] >= self.window).fill_null(True)
        return running(repeats), running(lasts)


Counts = TypeVar("Counts", int, pl.Series)


def rank(metric: str, counts: Counts) -> Counts:
    """Which of so many numbers in order the metric is, beginning with 1."""
    if metric == "min":
        return counts * 0 + 1
    return counts if metric == "max" else (counts * _PERCENTS[metric] + 99) // 100


_NONE = pl.Series([0], dtype=pl.Int64)


def running(flags: pl.Series) -> pl.Series:
    """How many of the flags before each row are set; one longer than the rows."""
    known = flags.fill_null(False) if flags.null_count() else flags
    return _NONE.slice(0, 1).append(known.cast(pl.Int64).cum_sum())


def between(counts: pl.Series, first: pl.Series, end: pl.Series) -> pl.Series:
    """How many flags are set from each row `first` to before each row `end`."""
    return counts[end] - counts[first]
