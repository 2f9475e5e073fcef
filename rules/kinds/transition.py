"""`transition`: true at an event whose field differs from that of the event before it in the group.

Where the language leaves a choice: events without the field are passed over, so a value is compared with the last value
there was, however old. The first value of a group is no transition. Values compare as JSON values: 1 and "1" differ.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

import polars as pl

from rules.conditions import Transition
from rules.fields import as_token
from rules.filters import Filters
from rules.kinds.kind import Account, Course, FarRow, Found
from rules.kinds.points import account_of_events, course_of_events, point_truth
from rules.kinds.wording import number_in, plain
from rules.picking import picked
from rules.rule import Rule
from rules.window import FOREVER, parted


def _condition(rule: Rule) -> Transition:
    return cast(Transition, rule.condition)


def looks_at(rule: Rule) -> Sequence[Filters]:
    return [_condition(rule).filters]


def columns(rule: Rule) -> Mapping[str, pl.Expr]:
    return {"value": as_token(_condition(rule).field)}


def look_back(rule: Rule) -> timedelta:
    return FOREVER


def recently(rule: Rule) -> timedelta:
    return timedelta(0)


def far_row(rule: Rule) -> FarRow:
    return "newest"


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
    value, before = rows["value"], rows["value"].gather(_rows_before(rows))
    differs = value != before
    if condition.from_tokens:
        differs &= before.is_in(condition.from_tokens)
    if condition.to_tokens:
        differs &= value.is_in(condition.to_tokens)
    return differs.fill_null(False)


def _rows_before(rows: pl.DataFrame) -> pl.Series:
    """For each row the number of the last one before it in its group that has a value."""
    begins = (pl.col("group_key") != pl.col("group_key").shift(1)).fill_null(True)
    last_valued = pl.when(pl.col("value").is_not_null()).then("row").forward_fill().shift(1)
    first_of_group = pl.when(begins).then("row").forward_fill()
    numbered = rows.select("group_key", "value").with_row_index("row")
    return numbered.select(pl.when(last_valued >= first_of_group).then(last_valued)).to_series()


def course(rule: Rule, rows: pl.DataFrame, from_on: int, until: int) -> Course:
    found = truth(rule, rows, from_on, until)
    return course_of_events(found, [number_in(value) for value in rows["value"].gather(found["row"])])


def carry(rule: Rule, rows: pl.DataFrame, earliest: datetime) -> pl.DataFrame:
    """The last row with a value of each group, and those after it."""
    young, old = parted(rows, earliest)
    if old.is_empty():
        return young
    valued = old.filter(pl.col("value").is_not_null())
    return pl.concat([valued.group_by("group_key", maintain_order=True).last().select(rows.columns), young])


def describe(rule: Rule, rows: pl.DataFrame, found: Found, of: Sequence[str]) -> Account:
    condition = _condition(rule)
    before = picked(_rows_before(rows), found["row"])
    old, new = picked(rows["value"], before), picked(rows["value"], found["row"])
    since = picked(rows["timestamp"].cast(pl.Int64), before)
    field = condition.field
    return account_of_events(
        rows,
        found,
        value=[number_in(value) for value in new],
        expected=[f"{field} stays {plain(value)}" for value in old],
        window_start=[at if one is None else one for one, at in zip(since, found["at"], strict=True)],
        before=before,
        message=[
            f"{field} went from {plain(a)} to {plain(b)}{group}" for a, b, group in zip(old, new, of, strict=True)
        ],
    )
