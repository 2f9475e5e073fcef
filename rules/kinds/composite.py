"""`composite`: true while a boolean expression over other rules is true, on the group keys that they share.

A member is true where its own condition is, its for_seconds and keep_firing_seconds included; its cooldown plays no
part. Where a member is grouped more finely, it is true for a group when it is for any of the member's groups in it.

Where the language leaves a choice: a member that is true at single events only, such as a match, is true at that
instant and false right after it; with keep_firing_seconds it lasts. A group exists from the first row that any member
has in it, and before that the expression is false. The rows of all members are the events of the composite, and those
of the last `window_seconds` are what an anomaly shows.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import and_, or_
from typing import cast

import polars as pl

from rules import kinds
from rules.boolean import And, Name, Not, Tree
from rules.conditions import Composite
from rules.episode import lasting_truth
from rules.filters import Filters
from rules.kinds.kind import Account, Course, Found, Listed, as_points
from rules.kinds.member_rows import rows_of_member
from rules.kinds.wording import MOST_CONTRIBUTING
from rules.rule import Rule
from rules.window import A_MOMENT, FOREVER, earlier, first_of_runs, microseconds, parted, reaching, window_starts

#: Where a moment stands among those of its instant: what time brings before events (`event` is null), these in their
#: order, what is over at once right after its event.
_PLACE = ("group_key", "at", "event", "after")
_BEGINS = (pl.col("group_key") != pl.col("group_key").shift(1)).fill_null(True)


def _condition(rule: Rule) -> Composite:
    return cast(Composite, rule.condition)


def looks_at(rule: Rule) -> Sequence[Filters]:
    """The rows of a composite are those of its members (rules/kinds/member_rows.py)."""
    return []


def columns(rule: Rule) -> Mapping[str, pl.Expr]:
    return {}


def look_back(rule: Rule) -> timedelta:
    """As far as any member looks; but whether one is true without rows depends on when its group began, and whether a
    negation has held for long on when the group of the composite did."""
    if any(kinds.KINDS[one.condition.type].true_without_rows(one) for one in rule.members):
        return FOREVER
    if _true_of_nothing(rule) and (rule.for_seconds or rule.keep_firing_seconds):
        return FOREVER
    members = [reaching(kinds.KINDS[one.condition.type].look_back(one), *_spans(one)) for one in rule.members]
    return max(timedelta(seconds=rule.window_seconds), *members)


def recently(rule: Rule) -> timedelta:
    members = [reaching(kinds.KINDS[one.condition.type].recently(one), *_spans(one)) for one in rule.members]
    return max(timedelta(seconds=rule.window_seconds), *members)


def far_row(rule: Rule) -> None:
    return None


def true_without_rows(rule: Rule) -> bool:
    members = (kinds.KINDS[one.condition.type].true_without_rows(one) for one in rule.members)
    return _true_of_nothing(rule) or any(members)


def moves_without_events(rule: Rule) -> bool:
    return _negates(_condition(rule).tree) or any(
        one.for_seconds > 0 or kinds.KINDS[one.condition.type].moves_without_events(one) for one in rule.members
    )


def lasts(rule: Rule) -> bool:
    return True


def truth(rule: Rule, rows: pl.DataFrame, from_on: int, until: int | None) -> pl.DataFrame:
    parts, events = [_begun(rows, from_on)], _numbers_of_events(rows)
    for number, member in enumerate(rule.members):
        its_rows = rows_of_member(rule, rows, number)
        if not its_rows.is_empty():
            parts.append(_truth_of_member(number, member, rule.group_by, its_rows, events, from_on, until))
    moments = pl.concat(parts).sort(*_PLACE, "member", maintain_order=True)
    moments = moments.with_columns(_truth_of_each(rule))
    # Several members may move at one place; what holds there is what holds when all of them have.
    moments = moments.filter(pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(-1)) for name in _PLACE))
    number_of = {name: number for number, name in enumerate(_condition(rule).names)}
    true = _expression(_condition(rule).tree, number_of)
    moments = moments.select("group_key", "at", "row", "follows", true=true)
    # Where no event stands, there is a moment only where the expression turns: members that move with no effect do
    # not count.
    turns = pl.col("true") != pl.when(~_BEGINS).then(pl.col("true").shift(1)).otherwise(False)
    return moments.filter(pl.col("row").is_not_null() | turns)


def _truth_of_each(rule: Rule) -> list[pl.Expr]:
    """Whether each member is true at sorted moments. One that is grouped as the composite is what it last was said to
    be; of a finer one it is counted how many of its groups are true."""
    was_true = pl.col("true").shift(1).over("member", "member_key").fill_null(False)
    step = pl.col("true").cast(pl.Int32) - was_true.cast(pl.Int32)
    truths = []
    for number, member in enumerate(rule.members):
        its_own = pl.col("member") == number
        if member.group_by == rule.group_by:
            true = pl.when(its_own).then("true").when(_BEGINS).then(False).forward_fill()
        else:
            true = pl.when(its_own).then(step).otherwise(0).cum_sum().over("group_key") > 0
        truths.append(true.alias(f"true_{number}"))
    return truths


def true_rows(rule: Rule, rows: pl.DataFrame) -> pl.Series | None:
    return None


def _truth_of_member(
    number: int,
    member: Rule,
    group_by: tuple[str, ...],
    its_rows: pl.DataFrame,
    events: pl.Series,
    from_on: int,
    until: int | None,
) -> pl.DataFrame:
    """The truth of one member for each of its groups, placed among the moments of the composite's groups."""
    kind = kinds.KINDS[member.condition.type]
    held, kept = (microseconds(one) for one in _spans(member))
    found = kind.truth(member, its_rows, from_on - held - kept - microseconds(A_MOMENT), until)
    found = lasting_truth(found, held, kept, kind.lasts(member))
    place = pl.Series(found["row"]).zip_with(found["follows"].is_null(), found["follows"])
    if member.group_by != group_by:
        groups = its_rows.select("group_key", "composite_key").unique("group_key")
        found = found.join(groups, on="group_key", how="left", maintain_order="left")
    composite_row = its_rows["composite_row"]
    return found.select(
        group_key="group_key" if member.group_by == group_by else "composite_key",
        at="at",
        event=events.gather(composite_row.gather(place)),
        after=pl.col("follows").is_not_null(),
        member=pl.lit(number, pl.Int32),
        member_key="group_key",
        true="true",
        row=composite_row.gather(found["row"]),
        follows=composite_row.gather(found["follows"]),
    )


def _numbers_of_events(rows: pl.DataFrame) -> pl.Series:
    """Each row's event as a number that grows with the order of the events; rows of one event have the same."""
    new = first_of_runs(rows["event_id"].fill_null("")) | first_of_runs(rows["group_key"])
    return new.cum_sum().cast(pl.UInt32)


def _begun(rows: pl.DataFrame, from_on: int) -> pl.DataFrame:
    """One moment at `from_on`, at which no member moves, for each group that began before it."""
    began = rows.filter(rows["timestamp"].cast(pl.Int64) < from_on).select("group_key").unique()
    return began.select(
        "group_key",
        at=pl.lit(from_on, pl.Int64),
        event=pl.lit(None, pl.UInt32),
        after=pl.lit(False),
        member=pl.lit(-1, pl.Int32),
        member_key=pl.lit(0, pl.UInt64),
        true=pl.lit(False),
        row=pl.lit(None, pl.UInt32),
        follows=pl.lit(None, pl.UInt32),
    )


def _expression(tree: Tree, number_of: Mapping[str, int]) -> pl.Expr:
    if isinstance(tree, Name):
        return pl.col(f"true_{number_of[tree.name]}")
    if isinstance(tree, Not):
        return ~_expression(tree.part, number_of)
    parts = [_expression(part, number_of) for part in tree.parts]
    return reduce(and_ if isinstance(tree, And) else or_, parts)


def _true_of_nothing(rule: Rule) -> bool:
    """Whether the expression is true where no member is."""

    def holds(tree: Tree) -> bool:
        if isinstance(tree, Name):
            return False
        if isinstance(tree, Not):
            return not holds(tree.part)
        return (all if isinstance(tree, And) else any)(holds(part) for part in tree.parts)

    return holds(_condition(rule).tree)


def _negates(tree: Tree) -> bool:
    if isinstance(tree, Name):
        return False
    return isinstance(tree, Not) or any(_negates(part) for part in tree.parts)


def _spans(member: Rule) -> tuple[timedelta, timedelta]:
    return timedelta(seconds=member.for_seconds), timedelta(seconds=member.keep_firing_seconds)


def course(rule: Rule, rows: pl.DataFrame, from_on: int, until: int) -> Course:
    return Course("", "steps", as_points(truth(rule, rows, from_on, until)))


def carry(rule: Rule, rows: pl.DataFrame, earliest: datetime) -> pl.DataFrame:
    """What the members carry, the rows that anomalies show, and the last row before those of each group."""
    numbered = rows.select("group_key", "timestamp").with_row_index("number")
    young, old = parted(numbered, earlier(earliest, timedelta(seconds=rule.window_seconds)))
    needed = [young["number"], old.group_by("group_key", maintain_order=True).last()["number"]]
    for number, member in enumerate(rule.members):
        its_rows = rows_of_member(rule, rows, number)
        kept = kinds.KINDS[member.condition.type].carry(member, its_rows, earlier(earliest, reaching(*_spans(member))))
        needed.append(kept["composite_row"])
    return rows[pl.concat(needed).unique().sort()]


def describe(rule: Rule, rows: pl.DataFrame, found: Found, of: Sequence[str]) -> Account:
    instants, event_ids, keys = rows["timestamp"].cast(pl.Int64), rows["event_id"], rows["group_key"]
    starts = [at - rule.window_seconds * 1_000_000 for at in found["at"]]
    ends = [
        _last_row(keys, instants, key, at) if row is None else row
        for key, at, row in zip(found["group_key"], found["at"], found["row"], strict=True)
    ]
    shown = []
    for first, last in zip(window_starts(rows, ends, starts), ends, strict=True):
        inside = event_ids.slice(first, last + 1 - first).to_list()
        shown.append([event_id for event_id in dict.fromkeys(inside) if event_id is not None])
    text = _condition(rule).expression
    return Account(
        value=None,
        threshold=None,
        expected=f"not ({text})",
        window_start=starts,
        contributing=Listed.of([listed[-MOST_CONTRIBUTING:] for listed in shown]),
        contributing_count=[len(listed) for listed in shown],
        message=[f"{text}{group}" for group in of],
    )


def _last_row(keys: pl.Series, instants: pl.Series, key: int, at: int) -> int:
    """The number of the last row of a group at or before an instant."""
    first, end = bisect_left(keys, key), bisect_right(keys, key)
    return bisect_right(instants, at, first, end) - 1
