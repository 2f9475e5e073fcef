"""`new_value`: true at an event whose value of the field its group has not had within the look-back, once it has
learnt.

Where the language leaves a choice: a group learns for `learn_seconds` from its first row on, whether that has the
field or not; an event at the end of that time counts. A value is new again when it was last seen `lookback_seconds`
ago or longer. Events without the field are never new. Values compare as JSON values: 1 and "1" differ.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

import polars as pl

from rules.conditions import NewValue
from rules.fields import as_token
from rules.filters import Filters
from rules.kinds.kind import Account, Course, FarRow, Found
from rules.kinds.points import account_of_events, course_of_events, point_truth
from rules.kinds.wording import number_in, plain, span
from rules.picking import picked
from rules.rule import Rule
from rules.window import FOREVER, earlier, parted


def _condition(rule: Rule) -> NewValue:
    return cast(NewValue, rule.condition)


def looks_at(rule: Rule) -> Sequence[Filters]:
    return [_condition(rule).filters]


def columns(rule: Rule) -> Mapping[str, pl.Expr]:
    return {"value": as_token(_condition(rule).field)}


def look_back(rule: Rule) -> timedelta:
    """For ever: how long a group has learnt is known from its first row."""
    return FOREVER


def recently(rule: Rule) -> timedelta:
    return timedelta(seconds=_condition(rule).lookback_seconds)


def far_row(rule: Rule) -> FarRow:
    return "first"


def true_without_rows(rule: Rule) -> bool:
    return False


def moves_without_events(rule: Rule) -> bool:
    return False


def lasts(rule: Rule) -> bool:
    return False


def truth(rule: Rule, rows: pl.DataFrame, from_on: int, until: int | None) -> pl.DataFrame:
    return point_truth(rows, true_rows(rule, rows), from_on)


def true_rows(rule: Rule, rows: pl.DataFrame) -> pl.Series:
    condition = _condition(rule)
    at = pl.col("timestamp")
    # Equal values of a group side by side: sorting is much quicker here than a window over each value.
    by_value = rows.select("group_key", "value", "timestamp").with_row_index("row").sort("group_key", "value", "row")
    seen = (pl.col("group_key") == pl.col("group_key").shift(1)) & (pl.col("value") == pl.col("value").shift(1))
    unseen = ~seen | (at - at.shift(1) >= timedelta(seconds=condition.lookback_seconds))
    judged = by_value.with_columns(unseen=unseen.fill_null(True)).sort("row")
    begins = (pl.col("group_key") != pl.col("group_key").shift(1)).fill_null(True)
    learnt = at - pl.when(begins).then(at).forward_fill() >= timedelta(seconds=condition.learn_seconds)
    return judged.select(pl.col("value").is_not_null() & pl.col("unseen") & learnt).to_series()


def course(rule: Rule, rows: pl.DataFrame, from_on: int, until: int) -> Course:
    found = truth(rule, rows, from_on, until)
    return course_of_events(found, [number_in(value) for value in rows["value"].gather(found["row"])])


def carry(rule: Rule, rows: pl.DataFrame, earliest: datetime) -> pl.DataFrame:
    """The first row of each group, the last one of each of its values that is not forgotten, and those after them."""
    young, old = parted(rows, earliest)
    if old.is_empty():
        return young
    remembered = earlier(earliest, timedelta(seconds=_condition(rule).lookback_seconds))
    numbered = old.select("group_key", "value", "timestamp").with_row_index("number")
    first = numbered.unique("group_key", keep="first", maintain_order=True)["number"]
    valued = numbered.filter(pl.col("value").is_not_null() & (pl.col("timestamp") > remembered))
    last = valued.unique(["group_key", "value"], keep="last", maintain_order=True)["number"]
    return old[first.append(last).unique()].vstack(young)


def describe(rule: Rule, rows: pl.DataFrame, found: Found, of: Sequence[str]) -> Account:
    condition = _condition(rule)
    lookback = condition.lookback_seconds * 1_000_000
    new = picked(rows["value"], found["row"])
    shown = {value: plain(value) for value in set(new)}
    unseen = f"not seen in {span(condition.lookback_seconds)}"
    return account_of_events(
        rows,
        found,
        value=[number_in(value) for value in new],
        expected=f"a {condition.field} seen in the last {span(condition.lookback_seconds)}",
        window_start=[at - lookback for at in found["at"]],
        message=[f"{condition.field} {shown[value]}{group} was {unseen}" for value, group in zip(new, of, strict=True)],
    )
