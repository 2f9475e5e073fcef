"""`change`: true while the metric now, compared with the metric `offset_seconds` ago, stands in relation to a value.

Now is the window (t - window, t], before is (t - offset - window, t - offset]. `ratio` is now / before, `difference`
now - before, and `percent` (now - before) / |before| x 100.

Where the language leaves a choice: where either side has no value, or fewer than `min_count` rows, or is divided by
zero, the condition is false. Windows reach back before a group's first row and are empty there; before that row the
truth is false.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

import polars as pl

from rules.conditions import Change
from rules.filters import Filters
from rules.kinds.kind import Account, Course, Found, Listed, as_points
from rules.kinds.operators import RELATIONS, limit_in_words
from rules.kinds.wording import metric_of_events, newest, number, span, unit_of
from rules.metrics import ZERO_WHEN_EMPTY, Measure, metric_columns
from rules.rule import Rule
from rules.window import FOREVER, Line, earlier, microseconds, moments, parted

_WORDS = {"ratio": "times what it was", "difference": "more than it was", "percent": "% more than it was"}


def _condition(rule: Rule) -> Change:
    return cast(Change, rule.condition)


def _window(rule: Rule) -> timedelta:
    return timedelta(seconds=rule.window_seconds)


def _offset(rule: Rule) -> timedelta:
    return timedelta(seconds=_condition(rule).offset_seconds or rule.window_seconds)


def looks_at(rule: Rule) -> Sequence[Filters]:
    return [_condition(rule).filters]


def columns(rule: Rule) -> Mapping[str, pl.Expr]:
    return metric_columns(_condition(rule))


def look_back(rule: Rule) -> timedelta:
    """Both windows; but whether the truth of empty ones has held for long depends on when the group began."""
    spans = rule.for_seconds or rule.keep_firing_seconds
    return FOREVER if spans and true_without_rows(rule) else _window(rule) + _offset(rule)


def recently(rule: Rule) -> timedelta:
    return _window(rule) + _offset(rule)


def far_row(rule: Rule) -> None:
    return None


def true_without_rows(rule: Rule) -> bool:
    condition = _condition(rule)
    if condition.min_count != 0 or condition.metric not in ZERO_WHEN_EMPTY or condition.compare != "difference":
        return False
    return bool(RELATIONS[condition.operator](0.0, condition.value))


def moves_without_events(rule: Rule) -> bool:
    return True


def lasts(rule: Rule) -> bool:
    return True


def truth(rule: Rule, rows: pl.DataFrame, from_on: int, until: int | None) -> pl.DataFrame:
    condition, window, offset = _condition(rule), _window(rule), _offset(rule)
    line = Line.of(rows, window + offset)
    found = moments(line, from_on, window, offset, window + offset, until=until)
    ago = found["place"] - microseconds(offset)
    found = found.with_columns(
        first_row=line.first_inside(found["place"], window),
        end_row=line.ends(found),
    )
    measure = Measure(condition, rows, line.places, microseconds(window))
    first, end = found["first_row"], found["end_row"]
    first_ago, end_ago = line.first_inside(ago, window), line.rows_until(ago)
    found = found.with_columns(now=measure.values(first, end), before=measure.values(first_ago, end_ago))
    found = found.with_columns(value=_compared(condition.compare))
    enough = (end - first >= condition.min_count) & (end_ago - first_ago >= condition.min_count)
    true = cast(pl.Series, RELATIONS[condition.operator](found["value"], condition.value)).fill_null(False) & enough
    return found.with_columns(true=true)


def true_rows(rule: Rule, rows: pl.DataFrame) -> pl.Series | None:
    return None


def _compared(compare: str) -> pl.Expr:
    now, before = pl.col("now"), pl.col("before")
    if compare == "difference":
        compared = now - before
    elif compare == "ratio":
        compared = now / before
    else:
        compared = (now - before) / before.abs() * 100.0
    return pl.when(compared.is_finite()).then(compared)


def course(rule: Rule, rows: pl.DataFrame, from_on: int, until: int) -> Course:
    condition = _condition(rule)
    unit = {"ratio": "times", "percent": "%"}.get(condition.compare) or unit_of(condition)
    found = truth(rule, rows, from_on, until)
    return Course(unit, "steps", as_points(found, value="value", threshold=pl.lit(condition.value)))


def carry(rule: Rule, rows: pl.DataFrame, earliest: datetime) -> pl.DataFrame:
    """The rows of both windows, and the last row before them where it matters that the group exists."""
    young, old = parted(rows, earlier(earliest, _window(rule) + _offset(rule)))
    if not true_without_rows(rule):
        return young
    return pl.concat([old.group_by("group_key", maintain_order=True).last().select(rows.columns), young])


def describe(rule: Rule, rows: pl.DataFrame, found: Found, of: Sequence[str]) -> Account:
    condition, window = _condition(rule), microseconds(_window(rule))
    event_ids, what = rows["event_id"], metric_of_events(condition)
    spans = list(zip(found["first_row"], found["end_row"], strict=True))
    limit = limit_in_words(condition.operator, condition.value)
    ago = span(condition.offset_seconds or rule.window_seconds)
    return Account(
        value=found["value"],
        threshold=condition.value,
        expected=f"{limit} {_WORDS[condition.compare]} {ago} before",
        window_start=[at - window for at in found["at"]],
        contributing=Listed.of([newest(event_ids, first, end) for first, end in spans]),
        contributing_count=[end - first for first, end in spans],
        message=[
            f"{what.format(number(now))}{group} in {span(rule.window_seconds)}, {number(before)} {ago} before "
            f"({condition.compare} {number(value)}, limit: {limit})"
            for now, before, value, group in zip(found["now"], found["before"], found["value"], of, strict=True)
        ],
    )
