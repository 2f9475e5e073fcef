"""The buckets that the rows of a `deviation` lie in, and the bounds that their past sets them (see buckets.py)."""

from bisect import bisect_left
from dataclasses import dataclass

import polars as pl

from rules.conditions import Deviation
from rules.episode import runs
from rules.kinds.buckets import Baseline, predict
from rules.metrics import Measure
from rules.window import first_of_runs

_END_OF_TIME = 2**62
# Many buckets have the same past, above all where little happens; but long pasts take much room.
_MOST_REMEMBERED = 1_000_000
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


def judged_buckets(
    condition: Deviation, placed: Placed, first: int, last: int | None, *, inside_too: bool
) -> pl.DataFrame:
    """Every bucket from `first` on that may lie outside of its bounds, with its value and bounds where it has them;
    without `inside_too` not those that are seen to lie between them."""
    baseline = Baseline.of(condition)
    filled = _filled(condition, placed)
    bounds: dict[tuple[float, ...], tuple[float, float]] = {}
    found: list[tuple[int, int, float | None, float | None, float | None, int, int]] = []
    all_buckets, all_values = filled["bucket"].to_list(), filled["value"].to_list()
    for key, start, end in runs(filled["group_key"]):
        buckets, values = all_buckets[start:end], all_values[start:end]
        until = _END_OF_TIME if last is None else max(last, buckets[-1])
        since = first if inside_too else max(first, baseline.first_predicted(buckets[0]))
        if since > until:
            continue
        known = {bucket: value for bucket, value in zip(buckets, values, strict=True) if value is not None}
        for bucket, past in baseline.pasts(buckets, known, since, until):
            value = known.get(bucket, 0.0 if baseline.empty_is_zero else None)
            if past is None:
                if inside_too:
                    found.append((key, bucket, value, None, None, *_span(filled, buckets, start, bucket)))
                continue
            if past not in bounds:
                if len(bounds) * len(past) > _MOST_REMEMBERED:
                    bounds.clear()
                centre, spread = predict(condition, past)
                bounds[past] = centre - condition.value * spread, centre + condition.value * spread
            lower, upper = bounds[past]
            if inside_too or not (value is None or lower < value < upper):
                found.append((key, bucket, value, lower, upper, *_span(filled, buckets, start, bucket)))
    return pl.DataFrame(found, schema=_JUDGED, orient="row")


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
