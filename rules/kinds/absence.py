"""`absence`: true while a known group has had no row for a whole window.

A group is known for `remember_seconds` after each of its rows. The condition becomes true `window_seconds` after a row
if none has followed by then, at that instant included; it ends with the next row, or when the group is forgotten, which
is when its last row is `remember_seconds` old.

Where the language leaves a choice: a group that is listed in `groups` is never forgotten, and known from the first
row of the rule on, whatever group that belongs to. That first row leaves a mark in each listed group: a row without
event.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

import polars as pl

from rules.conditions import Absence
from rules.filters import Filters
from rules.kinds.kind import COURSE, Account, Course, Found, Listed
from rules.kinds.wording import matching_events, span
from rules.picking import picked
from rules.rule import Rule
from rules.window import FOREVER, earlier, parted


def _condition(rule: Rule) -> Absence:
    return cast(Absence, rule.condition)


def looks_at(rule: Rule) -> Sequence[Filters]:
    return [_condition(rule).filters]


def columns(rule: Rule) -> Mapping[str, pl.Expr]:
    return {}


def marks(rule: Rule, rows: pl.DataFrame) -> pl.DataFrame:
    """A mark in each listed group: that the rule had a row at this instant."""
    known = pl.DataFrame({"group": rule.known_groups}, schema={"group": pl.String})
    if known.is_empty() or rows.is_empty():
        return rows.clear()
    return known.select(
        "group",
        group_key=pl.col("group").hash(),
        timestamp=pl.lit(rows["timestamp"].min(), rows.schema["timestamp"]),
        position=pl.lit(None, pl.Int64),
        event_id=pl.lit(None, pl.String),
    )


def look_back(rule: Rule) -> timedelta:
    remember = timedelta(seconds=_condition(rule).remember_seconds)
    return FOREVER if _condition(rule).groups else max(remember, timedelta(seconds=rule.window_seconds))


def recently(rule: Rule) -> timedelta:
    return timedelta(0)


def far_row(rule: Rule) -> None:
    return None


def true_without_rows(rule: Rule) -> bool:
    return False


def moves_without_events(rule: Rule) -> bool:
    return True


def lasts(rule: Rule) -> bool:
    return True


def truth(rule: Rule, rows: pl.DataFrame, from_on: int, until: int | None) -> pl.DataFrame:
    window, remember = rule.window_seconds * 1_000_000, _condition(rule).remember_seconds * 1_000_000
    same_group = pl.col("group_key") == pl.col("group_key").shift(-1)
    seen = rows.select(
        "group_key",
        at=pl.col("timestamp").cast(pl.Int64),
        row=pl.int_range(pl.len(), dtype=pl.UInt32),
        mark=pl.col("event_id").is_null(),
        listed=pl.col("group").is_in(list(rule.known_groups)),
    )
    first = (pl.col("group_key") != pl.col("group_key").shift(1)).fill_null(True)
    seen = seen.filter(~pl.col("mark") | first)
    seen = seen.with_columns(last=pl.col("row"), next=pl.when(same_group).then(pl.col("at").shift(-1)))
    seen = seen.filter((pl.col("next") >= from_on).fill_null(True))
    silent = seen.with_columns(row=pl.lit(None, pl.UInt32))
    open_until = pl.col("next").fill_null(_END_OF_TIME)
    missing = silent.filter((open_until > pl.col("at") + window) & (pl.col("listed") | (remember > window)))
    forgotten = silent.filter((open_until > pl.col("at") + remember) & ~pl.col("listed") & (remember > window))
    return pl.concat(
        [
            seen.with_columns(true=pl.lit(False), row=pl.when(~pl.col("mark")).then("row")),
            missing.with_columns(true=pl.lit(True), at=pl.col("at") + window),
            forgotten.with_columns(true=pl.lit(False), at=pl.col("at") + remember),
        ]
    ).sort("group_key", "at", "last", maintain_order=True)


def true_rows(rule: Rule, rows: pl.DataFrame) -> pl.Series | None:
    return None


_END_OF_TIME = 2**62


def course(rule: Rule, rows: pl.DataFrame, from_on: int, until: int) -> Course:
    """How old the newest row is: a line that climbs until the next row, and falls to nothing with it."""
    window, remember = rule.window_seconds * 1_000_000, _condition(rule).remember_seconds * 1_000_000
    if rows["group"][0] in rule.known_groups:
        remember = _END_OF_TIME
    seen = rows.filter(pl.col("event_id").is_not_null() | (pl.int_range(pl.len()) == 0))
    instants = seen["timestamp"].cast(pl.Int64).to_list()
    points: list[tuple[int, float | None, bool]] = []
    for row, (at, following) in enumerate(zip(instants, [*instants[1:], None], strict=True)):
        stop = until if following is None else following
        if stop < from_on:
            continue
        if row == 0 or at >= from_on:
            points.append((max(at, from_on), max(from_on - at, 0) / 1e6, False))
        else:
            points.append((from_on, (from_on - at) / 1e6, window <= from_on - at < remember))
        if window < remember and from_on < at + window < stop:
            points.append((at + window, window / 1e6, True))
        forgotten = at + remember < stop
        last = at + remember if forgotten else stop
        if last > max(at, from_on):
            was_true = window < remember and (last - at > window or (last - at == window and following is None))
            points.append((last, (last - at) / 1e6, was_true))
        if forgotten:
            points.append((max(last, from_on), None, False))
    limit = float(rule.window_seconds)
    frame = pl.DataFrame(
        [(at, value, limit, None, None, true) for at, value, true in points], schema=COURSE, orient="row"
    )
    return Course("s", "line", frame)


def carry(rule: Rule, rows: pl.DataFrame, earliest: datetime) -> pl.DataFrame:
    """The last row of each group that is not forgotten, or else its first mark, and those after them."""
    young, old = parted(rows, earliest)
    remembered = earlier(earliest, timedelta(seconds=_condition(rule).remember_seconds))
    if not rule.known_groups:
        known = old.filter(old["timestamp"] > remembered)
        return known.unique("group_key", keep="last", maintain_order=True).vstack(young)
    old = old.filter(pl.col("group").is_in(list(rule.known_groups)) | (pl.col("timestamp") > remembered))
    first_marks = old.filter(pl.col("event_id").is_null()).group_by("group_key", maintain_order=True).first()
    last_rows = old.filter(pl.col("event_id").is_not_null()).group_by("group_key", maintain_order=True).last()
    kept = pl.concat([last_rows.select(rows.columns), first_marks.select(rows.columns)])
    return pl.concat([kept.unique("group_key", keep="first", maintain_order=True), young])


def describe(rule: Rule, rows: pl.DataFrame, found: Found, of: Sequence[str]) -> Account:
    window = rule.window_seconds * 1_000_000
    since = picked(rows["timestamp"].cast(pl.Int64), found["last"])
    silences = [(at - last) / 1_000_000 for at, last in zip(found["at"], since, strict=True)]
    last_events = picked(rows["event_id"], found["last"])
    lengths = [int(event_id is not None) for event_id in last_events]
    what = matching_events(_condition(rule).filters)
    return Account(
        value=silences,
        threshold=float(rule.window_seconds),
        expected=f"{what} at least every {span(rule.window_seconds)}",
        window_start=[at - window for at in found["at"]],
        contributing=Listed([event_id for event_id in last_events if event_id is not None], lengths),
        contributing_count=lengths,
        message=[f"No {what}{group} for {span(silence)}" for silence, group in zip(silences, of, strict=True)],
    )
