"""`threshold`: true while a metric over the window stands in relation to a value.

Where the language leaves a choice: a group exists from its first row on, and its truth before that is false. With a
`min_count` of 0 an empty window is judged too, from the group's first row on for ever. A metric without a value makes
the condition false. `min_count` counts rows, also where their field holds no number.

Counts, rates, distinct values and maxima that are to be large become true at events alone, and more events cannot undo
it: they do not wait. A sum that is to be large does not wait either, as sums are mostly of amounts that are not
negative; should a negative one leave the window and make it true, that is seen when the watermark has passed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

import polars as pl

from rules.conditions import Threshold
from rules.filters import Filters
from rules.kinds.kind import Account, Course, Found, Listed, as_points
from rules.kinds.operators import RELATIONS, limit_in_words
from rules.kinds.wording import metric_of_events, newest, number, unit_of
from rules.metrics import GROWING, ZERO_WHEN_EMPTY, Measure, metric_columns
from rules.rule import Rule
from rules.window import FOREVER, Line, earlier, microseconds, moments, parted, window_starts

_LARGE = (">", ">=")
_BEGINNING = -(2**62)
_NOT_ENOUGH = pl.Series([False])
# Fewer triggers than this are looked at one by one: a query would cost more than its work.
_MANY = 32


def _condition(rule: Rule) -> Threshold:
    return cast(Threshold, rule.condition)


def _window(rule: Rule) -> timedelta:
    return timedelta(seconds=rule.window_seconds)


def looks_at(rule: Rule) -> Sequence[Filters]:
    return [_condition(rule).filters]


def columns(rule: Rule) -> Mapping[str, pl.Expr]:
    return metric_columns(_condition(rule))


def look_back(rule: Rule) -> timedelta:
    """One window; but whether an empty window's truth has held for long depends on when the group began."""
    spans = rule.for_seconds or rule.keep_firing_seconds
    return FOREVER if spans and true_without_rows(rule) else _window(rule)


def recently(rule: Rule) -> timedelta:
    return _window(rule)


def far_row(rule: Rule) -> None:
    return None


def true_without_rows(rule: Rule) -> bool:
    condition = _condition(rule)
    if condition.min_count != 0 or condition.metric not in ZERO_WHEN_EMPTY:
        return False
    return bool(RELATIONS[condition.operator](0.0, condition.value))


def moves_without_events(rule: Rule) -> bool:
    return not _only_more_events_make_it_true(rule)


def lasts(rule: Rule) -> bool:
    return True


def truth(rule: Rule, rows: pl.DataFrame, from_on: int, until: int | None) -> pl.DataFrame:
    line = Line.of(rows, _window(rule))
    does_not_wait = _condition(rule).metric == "sum" and _condition(rule).operator in _LARGE
    until = None if does_not_wait else until  # events after it may trigger, and what lies between says whether
    found = _judged(rule, rows, line, moments(line, from_on, _window(rule), until=until))
    if does_not_wait:
        found = found.with_columns(settled_at=pl.when(pl.col("row").is_null()).then("at"))
    return found


def true_rows(rule: Rule, rows: pl.DataFrame) -> pl.Series | None:
    if not _only_more_events_make_it_true(rule):
        return None
    if _condition(rule).metric in ("count", "rate"):
        return _enough_rows(rows, _fewest_rows(rule), microseconds(_window(rule)))
    line = Line.of(rows, _window(rule))
    return _judged(rule, rows, line, moments(line, _BEGINNING))["true"]


def _judged(rule: Rule, rows: pl.DataFrame, line: Line, found: pl.DataFrame) -> pl.DataFrame:
    """The moments with the rows in their windows, and whether the condition is true of them."""
    condition, window = _condition(rule), _window(rule)
    first = line.first_inside(found["place"], window)
    end = line.ends(found)
    measure = Measure(condition, rows, line.places, microseconds(window))
    true = measure.relation(condition.operator, condition.value, first, end) & (end - first >= condition.min_count)
    return found.hstack([first.alias("first_row"), end.alias("end_row"), true.alias("true")])


def course(rule: Rule, rows: pl.DataFrame, from_on: int, until: int) -> Course:
    condition, window = _condition(rule), _window(rule)
    line = Line.of(rows, window)
    found = _judged(rule, rows, line, moments(line, from_on, window))
    measure = Measure(condition, rows, line.places, microseconds(window))
    found = found.with_columns(value=measure.values(found["first_row"], found["end_row"]))
    return Course(unit_of(condition), "steps", as_points(found, value="value", threshold=pl.lit(condition.value)))


def carry(rule: Rule, rows: pl.DataFrame, earliest: datetime) -> pl.DataFrame:
    """The rows of a window, and the last row before them where it matters that the group exists."""
    young, old = parted(rows, earlier(earliest, _window(rule)))
    if not true_without_rows(rule):
        return young
    return pl.concat([old.group_by("group_key", maintain_order=True).last().select(rows.columns), young])


def describe(rule: Rule, rows: pl.DataFrame, found: Found, of: Sequence[str]) -> Account:
    condition, window = _condition(rule), microseconds(_window(rule))
    starts = [at - window for at in found["at"]]
    spans = _spans(rule, rows, found, starts)
    values = _values(rule, rows, spans)
    limit = limit_in_words(condition.operator, condition.value)
    what, event_ids = metric_of_events(condition), rows["event_id"]
    within = f"in {rule.window_seconds} s (limit: {limit})"
    return Account(
        value=values,
        threshold=condition.value,
        expected=limit,
        window_start=starts,
        contributing=Listed.of([newest(event_ids, first, end) for first, end in spans]),
        contributing_count=[end - first for first, end in spans],
        message=[f"{what.format(number(value))}{group} {within}" for value, group in zip(values, of, strict=True)],
    )


def _spans(rule: Rule, rows: pl.DataFrame, found: Found, starts: list[int]) -> list[tuple[int, int]]:
    """The rows in the window of each trigger: from one to before another."""
    if "first_row" in found:
        return list(zip(found["first_row"], found["end_row"], strict=True))
    triggering = found["row"]
    if len(triggering) < _MANY:
        firsts = window_starts(rows, triggering, starts)
    else:
        line = Line.of(rows, _window(rule))
        places = line.places[pl.Series(triggering, dtype=pl.UInt32)]
        firsts = line.first_inside(places, _window(rule)).to_list()
    return [(first, row + 1) for first, row in zip(firsts, triggering, strict=True)]


def _values(rule: Rule, rows: pl.DataFrame, spans: list[tuple[int, int]]) -> list[float | None]:
    condition = _condition(rule)
    if condition.metric == "count":
        return [float(end - first) for first, end in spans]
    if condition.metric == "rate":
        return [(end - first) / rule.window_seconds for first, end in spans]
    window = _window(rule)
    measure = Measure(condition, rows, Line.of(rows, window).places, microseconds(window))
    first = pl.Series([first for first, _ in spans], dtype=pl.UInt32)
    return measure.values(first, pl.Series([end for _, end in spans], dtype=pl.UInt32)).to_list()


def _only_more_events_make_it_true(rule: Rule) -> bool:
    condition = _condition(rule)
    return condition.operator in _LARGE and condition.metric in GROWING


def _fewest_rows(rule: Rule) -> int:
    """The smallest count that makes a condition on a count or a rate true."""
    condition = _condition(rule)
    seconds = rule.window_seconds if condition.metric == "rate" else 1
    fewest = max(int(condition.value * seconds) - 2, 1)
    if fewest > 2**31:
        return fewest
    while not RELATIONS[condition.operator](fewest / seconds, condition.value):
        fewest += 1
    return max(fewest, condition.min_count or 0)


def _enough_rows(rows: pl.DataFrame, fewest: int, window: int) -> pl.Series:
    """Which rows have `fewest` rows of their group in the window that ends with them: nothing has to be counted.

    Works on bare columns: with few rows, which is how they come in quiet times, a query would cost more than its work.
    """
    instants, keys = rows["timestamp"].cast(pl.Int64), rows["group_key"]
    back, count = min(fewest - 1, rows.height), max(rows.height - fewest + 1, 0)
    if not back:
        return pl.Series([True]).new_from_index(0, count)
    enough = instants.slice(back) - instants.slice(0, count) < window
    if keys[0] != keys[-1]:
        enough = enough & (keys.slice(back) == keys.slice(0, count))
    return _NOT_ENOUGH.new_from_index(0, back).append(enough)
