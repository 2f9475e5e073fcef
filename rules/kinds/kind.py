"""What the module of a condition type has to answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Literal, Protocol

import polars as pl

from rules.filters import Filters
from rules.rule import Rule

FarRow = Literal["first", "newest"]

#: Triggers as lists, one for each column of the moments that they are: `group_key`, `at`, `row`, `true`, and what the
#: kind has put there for itself.
Found = Mapping[str, list[Any]]


@dataclass(frozen=True)
class Listed:
    """Texts in lists, kept side by side: the first `lengths[0]` of `texts` are the first list, and so on. With very
    many anomalies, a list for each would cost more than what stands in it."""

    texts: Sequence[str]
    lengths: Sequence[int]

    @classmethod
    def of(cls, lists: Sequence[Sequence[str]]) -> "Listed":
        return cls(list(chain.from_iterable(lists)), list(map(len, lists)))


@dataclass(frozen=True)
class Account:
    """What there is to say about triggers, one item for each. `value`, `threshold` and `expected` are the same for all
    of them where they are no lists. Windows end at the trigger where `window_end` is
    not given. The events that contributed are `contributing`, which may leave out old ones, and how
    many they were.
    """

    value: Sequence[float | None] | float | None
    threshold: Sequence[float | None] | float | None
    expected: Sequence[str] | str
    window_start: Sequence[int]
    contributing: Listed
    contributing_count: Sequence[int]
    message: Sequence[str]
    window_end: Sequence[int] | None = None


#: What a condition looks at, over time: from an instant (in microseconds) on, its value, what that is held against (a
#: threshold, or the band from `low` to `high`), and whether the condition is true.
COURSE = pl.Schema(
    {
        "at": pl.Int64(),
        "value": pl.Float64(),
        "threshold": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
        "true": pl.Boolean(),
    }
)


@dataclass(frozen=True)
class Course:
    """How what a condition looks at goes in one group: COURSE points in order. `shape` says how they hang together: as
    `steps`, each holding until the next; as a `line` from each to the next; or as single `events`."""

    unit: str
    shape: Literal["steps", "line", "events"]
    points: pl.DataFrame


def as_points(found: pl.DataFrame, **columns: object) -> pl.DataFrame:
    """Moments (`at`, `true`) as the points of a course, with the columns that are given."""
    points = found.select("at", "true", **columns)
    nothing = [pl.lit(None, kind).alias(name) for name, kind in COURSE.items() if name not in points.columns]
    return points.with_columns(nothing).select(COURSE.names()).cast(COURSE)


class Kind(Protocol):
    """A condition type. ROW frames are described in rules/selection.py, moments in rules/window.py."""

    def looks_at(self, rule: Rule) -> Sequence[Filters]:
        """An event is one of the rule's rows where it passes any of these."""

    def columns(self, rule: Rule) -> Mapping[str, pl.Expr]:
        """What a row holds beside what every row holds, on a frame of events with their fields."""

    def look_back(self, rule: Rule) -> timedelta:
        """How far before an instant rows matter to the truth at that instant."""

    def recently(self, rule: Rule) -> timedelta:
        """How far before an instant rows matter to the course from that instant on, beside the newest row before
        them: what `look_back` is where only what is near shall be read."""

    def far_row(self, rule: Rule) -> FarRow | None:
        """Which one row of each group matters of those further back than `recently`: the very first, or the newest that
        `carry` keeps of them; None where others may matter as well, or where it does not look back for ever."""

    def true_without_rows(self, rule: Rule) -> bool:
        """Whether the truth may hold where the look-back holds no row, once the group has begun. `carry` keeps a row
        of such a group then."""

    def moves_without_events(self, rule: Rule) -> bool:
        """Whether the truth can become true, or false again through further events, where no event of the group
        stands."""

    def lasts(self, rule: Rule) -> bool:
        """Whether a true moment lasts until the next moment of its group; otherwise it is over at once."""

    def truth(self, rule: Rule, rows: pl.DataFrame, from_on: int, until: int | None) -> pl.DataFrame:
        """The truth from `from_on` on, as moments in order: group_key, at in microseconds, row, `true`, and what
        `describe` wants to find there again. Between two moments of a group nothing changes; before its first it is
        false.

        Every row from `from_on` on has its moment; `row` is null where time alone moves. What lies after `until` may
        be left out. A column `settled_at` says how far the watermark must have come before a moment triggers, where
        that is not the moment itself.
        """

    def true_rows(self, rule: Rule, rows: pl.DataFrame) -> pl.Series | None:
        """At which rows the condition is true, one Boolean for each, where events alone can trigger and this is a
        quicker way to them than by way of the whole truth; None where it is not. With for_seconds or
        keep_firing_seconds it is not asked."""

    def carry(self, rule: Rule, rows: pl.DataFrame, earliest: datetime) -> pl.DataFrame:
        """The rows that the truth at and after `earliest` depends on, in any order. The rows given are in time order
        or in the order of ROW frames."""

    def describe(self, rule: Rule, rows: pl.DataFrame, found: Found, of: Sequence[str]) -> Account:
        """What there is to say about each trigger. `of` names their groups, such as ` of payload.ip=1.2.3.4`."""

    def course(self, rule: Rule, rows: pl.DataFrame, from_on: int, until: int) -> Course:
        """How what the condition looks at goes from `from_on` to `until`, for the rows of one group. Points outside may
        be among those given; for_seconds and keep_firing_seconds play no part."""
