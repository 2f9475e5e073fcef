"""`threshold`: true while a metric over the window stands in relation to a value.

Where rules.md leaves a choice: a group exists from its first row on, and its truth before that is false. With a
`min_count` of 0 an empty window is judged too, from the group's first row on for ever: its count, rate, sum and
number of distinct values are 0; other metrics have no value there, and a condition on no value is false.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import polars as pl

from rules.conditions import Threshold
from rules.episode import triggers as triggers_of
from rules.filters import Filters
from rules.kinds.kind import Account
from rules.kinds.operators import RELATIONS, limit_in_words
from rules.kinds.wording import matching_events, newest, number
from rules.rule import Rule
from rules.window import FOREVER, Line, earlier, microseconds, moments, parted, window_start

COUNTED = ("count", "rate")


def _condition(rule: Rule) -> Threshold:
    return cast(Threshold, rule.condition)


def _window(rule: Rule) -> timedelta:
    return timedelta(seconds=rule.window_seconds)


def looks_at(rule: Rule) -> Sequence[Filters]:
    return [_condition(rule).filters]


def columns(rule: Rule) -> Mapping[str, pl.Expr]:
    return {}


def look_back(rule: Rule) -> timedelta:
    """One window; but whether an empty window's truth has held for long depends on when the group began."""
    spans = rule.for_seconds or rule.keep_firing_seconds
    return FOREVER if spans and _true_when_empty(rule) else _window(rule)


def moves_without_events(rule: Rule) -> bool:
    return not _only_more_events_make_it_true(rule)


def triggers(rule: Rule, rows: pl.DataFrame, earliest: int, held: int, kept: int) -> pl.DataFrame:
    if _only_more_events_make_it_true(rule) and not held and not kept:
        return _enough_rows(rows, _fewest_rows(rule), microseconds(_window(rule)), earliest)
    line = Line.of(rows, _window(rule))
    found = moments(line, _window(rule))
    found = found.with_columns(
        first_row=line.first_inside(found["place"], _window(rule)),
        end_row=(found["row"] + 1).fill_null(line.rows_until(found["place"])),
    )
    found = found.with_columns(value=_value(rule, found["end_row"] - found["first_row"]))
    count = pl.col("end_row") - pl.col("first_row")
    holds = RELATIONS[_condition(rule).operator](pl.col("value"), _condition(rule).value)
    return triggers_of(found.with_columns(true=holds & (count >= _condition(rule).min_count)), held, kept)


def carry(rule: Rule, rows: pl.DataFrame, earliest: datetime) -> pl.DataFrame:
    """The rows of a window, and the last row before them where it matters that the group exists."""
    young, old = parted(rows, earlier(earliest, _window(rule)))
    if look_back(rule) != FOREVER:
        return young
    return pl.concat([old.group_by("group_key", maintain_order=True).last().select(rows.columns), young])


def describe(rule: Rule, rows: pl.DataFrame, found: pl.DataFrame, of: Sequence[str]) -> Account:
    condition, window = _condition(rule), microseconds(_window(rule))
    starts = [at - window for at in found["at"]]
    if "first_row" in found.columns:
        spans = list(zip(found["first_row"], found["end_row"], strict=True))
    else:
        instants = rows["timestamp"].cast(pl.Int64)
        spans = [
            (window_start(rows, instants, row, start), row + 1) for row, start in zip(found["row"], starts, strict=True)
        ]
    values = [_value(rule, end - first) for first, end in spans]
    limit = limit_in_words(condition.operator, condition.value)
    what, event_ids = matching_events(condition.filters), rows["event_id"]
    within = f"in {rule.window_seconds} s (limit: {limit})"
    return Account(
        value=values,
        threshold=condition.value,
        expected=limit,
        window_start=starts,
        contributing=[newest(event_ids, first, end) for first, end in spans],
        contributing_count=[end - first for first, end in spans],
        message=[f"{number(value)} {what}{group} {within}" for value, group in zip(values, of, strict=True)],
    )


def _value(rule: Rule, count: Any) -> Any:
    return count / rule.window_seconds if _condition(rule).metric == "rate" else count * 1.0


def _true_when_empty(rule: Rule) -> bool:
    condition = _condition(rule)
    empty_is_zero = condition.metric in (*COUNTED, "sum", "distinct")
    return condition.min_count == 0 and empty_is_zero and RELATIONS[condition.operator](0.0, condition.value)


def _only_more_events_make_it_true(rule: Rule) -> bool:
    """Whether the truth begins at events alone and more of them cannot undo it, so that it need not wait."""
    condition = _condition(rule)
    return condition.metric in COUNTED and condition.operator in (">", ">=")


def _fewest_rows(rule: Rule) -> int:
    """The smallest count that makes a condition on a count or a rate true."""
    condition = _condition(rule)
    per_row = 1 / rule.window_seconds if condition.metric == "rate" else 1.0
    fewest = max(int(condition.value / per_row) - 2, 1)
    if fewest > 2**31:
        return fewest
    seconds = rule.window_seconds if condition.metric == "rate" else 1
    while not RELATIONS[condition.operator](fewest / seconds, condition.value):
        fewest += 1
    return max(fewest, condition.min_count or 0)


def _enough_rows(rows: pl.DataFrame, fewest: int, window: int, earliest: int) -> pl.DataFrame:
    """The rows that have `fewest` rows of their group in the window that ends with them: nothing has to be counted.

    Works on bare columns: with few rows, which is how they come in quiet times, a query would cost more than its work.
    """
    if rows.height < fewest:
        return _NO_TRIGGERS
    instants, keys = rows["timestamp"].cast(pl.Int64), rows["group_key"]
    back, count = fewest - 1, rows.height - fewest + 1
    later, group = instants.slice(back), keys.slice(back)
    enough = later >= earliest
    if back:
        enough = enough & (later - instants.slice(0, count) < window) & (group == keys.slice(0, count))
    if not enough.any():
        return _NO_TRIGGERS
    return pl.DataFrame(
        {"group_key": group.filter(enough), "at": later.filter(enough), "row": enough.arg_true() + back}
    )


_NO_TRIGGERS = pl.DataFrame(schema={"group_key": pl.UInt64, "at": pl.Int64, "row": pl.UInt32})
