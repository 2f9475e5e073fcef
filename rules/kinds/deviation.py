"""`deviation`: true while the last closed bucket lies outside of what its past predicts.

A bucket is judged when it closes and is held to the bounds centre - value x spread and centre + value x spread of its
prediction (rules/kinds/buckets.py); the bucket itself is never part of that. What was found holds until the next
bucket closes.

A bucket still open makes the condition true early where more events can no longer undo it: at the event with which a
count, a rate, a number of distinct values or a maximum passes the upper bound, or a minimum the lower one. Such an
event does not wait for the watermark to pass it, only for the buckets before to close.

Where the language leaves a choice: a group begins with the bucket of its first row, which counts as a whole one. All
buckets of the baseline must have come since; for `seasonal` two seasons will do. Empty buckets have the value 0 for
count, rate, sum and distinct; for other metrics they have none, are passed over, and two values make a baseline.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

import polars as pl

from rules.conditions import Deviation
from rules.filters import Filters
from rules.kinds.buckets import Baseline
from rules.kinds.judged_buckets import Placed, judged_buckets
from rules.kinds.kind import Account, Course, FarRow, Found, Listed, as_points
from rules.kinds.operators import RELATIONS
from rules.kinds.wording import metric_of_events, newest, number, span, unit_of
from rules.metrics import GROWING, metric_columns
from rules.rule import Rule
from rules.window import FOREVER, earlier, parted

_BELOW = {">": "<", ">=": "<="}


def _condition(rule: Rule) -> Deviation:
    return cast(Deviation, rule.condition)


def _size(rule: Rule) -> int:
    return (_condition(rule).bucket_seconds or rule.window_seconds) * 1_000_000


def looks_at(rule: Rule) -> Sequence[Filters]:
    return [_condition(rule).filters]


def columns(rule: Rule) -> Mapping[str, pl.Expr]:
    return metric_columns(_condition(rule))


def look_back(rule: Rule) -> timedelta:
    """For ever: whether a group has a whole baseline is known from its first row."""
    return FOREVER


def recently(rule: Rule) -> timedelta:
    """A baseline and a few buckets more."""
    return timedelta(microseconds=(Baseline.of(_condition(rule)).reach + 4) * _size(rule))


def far_row(rule: Rule) -> FarRow:
    return "first"


def true_without_rows(rule: Rule) -> bool:
    return False


def moves_without_events(rule: Rule) -> bool:
    return True


def lasts(rule: Rule) -> bool:
    return True


def truth(rule: Rule, rows: pl.DataFrame, from_on: int, until: int | None) -> pl.DataFrame:
    size = _size(rule)
    # What held at `from_on` was found when the bucket before closed, or early in the bucket itself.
    first = from_on // size - 1
    placed = Placed.of(rows, size)
    outside = _outside_of_bounds(rule, placed, first, None if until is None else until // size)
    arriving = placed.frame.filter(placed.frame["bucket"] >= first)
    if outside.is_empty():
        return arriving.select("group_key", "at", "row", true=pl.lit(False))
    moments = [_at_rows(rule, placed, arriving, outside), _at_closings(outside, arriving, size)]
    return pl.concat(moments, how="diagonal").sort("group_key", "at", "row")


def true_rows(rule: Rule, rows: pl.DataFrame) -> pl.Series | None:
    return None


def _outside_of_bounds(rule: Rule, placed: Placed, first: int, last: int | None) -> pl.DataFrame:
    """The buckets from `first` on whose value is outside of their bounds. Only those can make the condition true: where
    more events cannot undo what is outside early, it still is when the bucket closes."""
    judged = judged_buckets(_condition(rule), placed, first, last, inside_too=False)
    return judged if judged.is_empty() else judged.filter(_outside(_condition(rule), both_ways=True).fill_null(False))


def _outside(condition: Deviation, *, both_ways: bool) -> pl.Expr:
    """Whether the value is beyond a bound; unless `both_ways`, beyond one from which more events cannot bring it
    back."""
    above = RELATIONS[condition.operator](pl.col("value"), pl.col("upper"))
    below = RELATIONS[_BELOW[condition.operator]](pl.col("value"), pl.col("lower"))
    if condition.direction == "down" or not (both_ways or condition.metric in GROWING):
        above = pl.lit(False)
    if condition.direction == "up" or not (both_ways or condition.metric == "min"):
        below = pl.lit(False)
    return cast(pl.Expr, above | below)


def _at_rows(rule: Rule, placed: Placed, arriving: pl.DataFrame, outside: pl.DataFrame) -> pl.DataFrame:
    """The moments of rows: true where the bucket that closed last was outside, or the open one is already."""
    open_now = arriving.join(
        outside.select("group_key", "bucket", "lower", "upper", "first_row"),
        on=["group_key", "bucket"],
        how="left",
        maintain_order="left",
    )
    # Rows of other buckets have no bounds here, so whatever value they have tells nothing.
    open_since = open_now["first_row"].fill_null(open_now["row"])
    so_far = placed.measure(_condition(rule)).values(open_since, open_now["row"] + 1)
    open_now = open_now.with_columns(value=so_far, end_row=pl.col("row") + 1)
    early = open_now.select(_outside(_condition(rule), both_ways=False).fill_null(False)).to_series()
    closed = arriving.with_columns(bucket=pl.col("bucket") - 1).join(
        outside.with_columns(is_outside=pl.lit(True)), on=["group_key", "bucket"], how="left", maintain_order="left"
    )
    shown = ("value", "lower", "upper", "first_row", "end_row")  # nothing where there is only a past that keeps firing
    return arriving.select("group_key", "at", "row").with_columns(
        *(open_now[name].zip_with(early, closed[name]) for name in shown),
        bucket=open_now["bucket"].zip_with(early, closed["bucket"]),
        true=early | closed["is_outside"].fill_null(False),
        settled_at=(open_now["bucket"] * _size(rule)).zip_with(early, arriving["at"]),
        ends=((closed["bucket"] + 1) * _size(rule)).zip_with(~early, arriving["at"]),
    )


def _at_closings(outside: pl.DataFrame, arriving: pl.DataFrame, size: int) -> pl.DataFrame:
    """The moments at which buckets close and no row of the group stands; what was outside ends one bucket later."""
    closing = outside.with_columns(at=(pl.col("bucket") + 1) * size, true=pl.lit(True))
    after = outside.with_columns(bucket=pl.col("bucket") + 1).join(outside, on=["group_key", "bucket"], how="anti")
    after = after.select("group_key", at=(pl.col("bucket") + 1) * size, true=pl.lit(False))
    alone = pl.concat([closing, after], how="diagonal").join(arriving, on=["group_key", "at"], how="anti")
    return alone.with_columns(row=pl.lit(None, pl.UInt32), settled_at=pl.col("at"), ends=pl.col("at"))


def course(rule: Rule, rows: pl.DataFrame, from_on: int, until: int) -> Course:
    """What each bucket came to, from the instant at which it closed on, and the band in which it was expected."""
    condition, size = _condition(rule), _size(rule)
    judged = judged_buckets(condition, Placed.of(rows, size), from_on // size - 1, until // size, inside_too=True)
    true = _outside(condition, both_ways=True).fill_null(False)
    ending = judged.with_columns(at=(pl.col("bucket") + 1) * size, true=true)
    after = ending.join(judged.select(bucket=pl.col("bucket") - 1), on="bucket", how="anti")
    nothing = after.select(at=pl.col("at") + size, true=pl.lit(False))
    points = pl.concat([ending, nothing], how="diagonal").sort("at")
    points = points.with_columns(at=pl.when((pl.col("at") + size) > from_on).then(pl.col("at").clip(from_on)))
    low = pl.lit(None, pl.Float64) if condition.direction == "up" else pl.col("lower")
    high = pl.lit(None, pl.Float64) if condition.direction == "down" else pl.col("upper")
    shown = points.filter(pl.col("at").is_not_null())
    return Course(unit_of(condition), "steps", as_points(shown, value="value", low=low, high=high))


def carry(rule: Rule, rows: pl.DataFrame, earliest: datetime) -> pl.DataFrame:
    """The rows of a baseline and a few buckets more, and the first row of each group."""
    young, old = parted(rows, earlier(earliest, recently(rule)))
    if old.is_empty():
        return young
    return old.unique("group_key", keep="first", maintain_order=True).vstack(young)


def describe(rule: Rule, rows: pl.DataFrame, found: Found, of: Sequence[str]) -> Account:
    condition, size = _condition(rule), _size(rule)
    spans = [(first or 0, end or 0) for first, end in zip(found["first_row"], found["end_row"], strict=True)]
    bounds = list(zip(found["value"], found["lower"], found["upper"], strict=True))
    expected = [_expected(condition, lower, upper) for _, lower, upper in bounds]
    what, event_ids = metric_of_events(condition), rows["event_id"]
    return Account(
        value=found["value"],
        threshold=[_passed_bound(condition, *one) for one in bounds],
        expected=expected,
        window_start=[bucket * size for bucket in found["bucket"]],
        window_end=found["ends"],
        contributing=Listed.of([newest(event_ids, first, end) for first, end in spans]),
        contributing_count=[end - first for first, end in spans],
        message=[
            f"{what.format(number(value))}{group} in {span(size / 1_000_000)} (expected: {text})"
            for (value, _, _), text, group in zip(bounds, expected, of, strict=True)
        ],
    )


def _passed_bound(condition: Deviation, value: float | None, lower: float | None, upper: float | None) -> float | None:
    if value is None or lower is None or upper is None:
        return None
    if condition.direction == "both":
        return upper if value > (lower + upper) / 2 else lower
    return upper if condition.direction == "up" else lower


def _expected(condition: Deviation, lower: float | None, upper: float | None) -> str:
    if lower is None or upper is None:
        return "nothing yet"
    if condition.direction == "both":
        return f"between {number(lower)} and {number(upper)}"
    return f"at most {number(upper)}" if condition.direction == "up" else f"at least {number(lower)}"
