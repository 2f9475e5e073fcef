"""`match`: true at every event that passes the filters, and at no other instant.

An instant lasts no time: with for_seconds a match never triggers.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

import polars as pl

from rules.conditions import Match
from rules.filters import Filters
from rules.kinds.kind import Account, Course, Found
from rules.kinds.points import account_of_events, course_of_events, point_truth
from rules.kinds.wording import matching_events
from rules.rule import Rule
from rules.window import parted


def looks_at(rule: Rule) -> Sequence[Filters]:
    return [cast(Match, rule.condition).filters]


def columns(rule: Rule) -> Mapping[str, pl.Expr]:
    return {}


def look_back(rule: Rule) -> timedelta:
    return timedelta(0)


def recently(rule: Rule) -> timedelta:
    return timedelta(0)


def far_row(rule: Rule) -> None:
    return None


def true_without_rows(rule: Rule) -> bool:
    return False


def moves_without_events(rule: Rule) -> bool:
    return False


def lasts(rule: Rule) -> bool:
    return False


def truth(rule: Rule, rows: pl.DataFrame, from_on: int, until: int | None) -> pl.DataFrame:
    return point_truth(rows, true_rows(rule, rows), from_on)


def true_rows(rule: Rule, rows: pl.DataFrame) -> pl.Series:
    return pl.Series([True]).new_from_index(0, rows.height)


def course(rule: Rule, rows: pl.DataFrame, from_on: int, until: int) -> Course:
    return course_of_events(truth(rule, rows, from_on, until))


def carry(rule: Rule, rows: pl.DataFrame, earliest: datetime) -> pl.DataFrame:
    return parted(rows, earliest)[0]


def describe(rule: Rule, rows: pl.DataFrame, found: Found, of: Sequence[str]) -> Account:
    what = matching_events(cast(Match, rule.condition).filters)
    return account_of_events(
        rows,
        found,
        value=None,
        expected=f"no {what}",
        window_start=found["at"],
        message=[f"One of the {what}{group}" for group in of],
    )
