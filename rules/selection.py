"""Which events a rule looks at, as rows; what many rules have in common is done once for all of them.

A ROW frame has one row for each event that the rule looks at, sorted by (group_key, timestamp, position, event_id):

- `group`        canonical JSON text of path -> value in the order of `group_by`, `{}` without; a missing value is null
                 and makes a group like any other
- `group_key`    UInt64, a hash of `group` that holds within one process only
- `timestamp`, `position`, `event_id`   as in the event
- and what the rule's kind needs to know of the event, such as `value` for a metric of a field.
"""

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import and_, or_
from uuid import UUID

import msgspec
import polars as pl

from rules.fields import as_token
from rules.filters import Filters
from rules.kinds import KINDS, absence
from rules.kinds.member_rows import rows_of_members
from rules.rule import Rule

ROW_ORDER = ("group_key", "timestamp", "position", "event_id")
ROW_COLUMNS = ("group", *ROW_ORDER)
# Below this, a partition by event type costs more than it saves.
_FEWEST_EVENTS_TO_PART = 512
_NO_GROUP = "{}"


def paths_of(rules: Iterable[Rule]) -> frozenset[str]:
    """Every JSON path that has to be decoded for these rules."""
    return frozenset[str]().union(*(rule.paths for rule in rules))


def select_rows(rule: Rule, events: pl.DataFrame) -> pl.DataFrame:
    """The events that the rule looks at, as rows. `events` has the fields of `paths_of([rule])`."""
    return select_all([rule], events)[rule.rule_id]


def select_all(rules: Iterable[Rule], events: pl.DataFrame) -> dict[UUID, pl.DataFrame]:
    """The rows of every rule, by its id: grouped and sorted once for each group_by, parted once by event type, each
    distinct filter evaluated once. Rules that look at the same things share one frame."""
    by_group: dict[tuple[str, ...], _Grouped] = {}
    return {rule.rule_id: _rows_of(rule, events, by_group) for rule in rules}


def _rows_of(rule: Rule, events: pl.DataFrame, by_group: "dict[tuple[str, ...], _Grouped]") -> pl.DataFrame:
    if rule.members:
        return rows_of_members(rule, [_rows_of(member, events, by_group) for member in rule.members])
    if rule.group_by not in by_group:
        by_group[rule.group_by] = _Grouped(events, rule.group_by)
    return by_group[rule.group_by].rows_of(rule)


class _Grouped:
    """A batch of events, grouped one way, and what has been found out about it so far."""

    def __init__(self, events: pl.DataFrame, group_by: tuple[str, ...]) -> None:
        group = group_text(group_by)
        self.events = events.with_columns(group=group, group_key=group.hash()).sort(ROW_ORDER)
        self._types: dict[str, pl.DataFrame] | None = None
        self._parts: dict[tuple[str, ...], _Part] = {}

    def rows_of(self, rule: Rule) -> pl.DataFrame:
        kind = KINDS[rule.condition.type]
        filters = tuple(kind.looks_at(rule))
        rows = self._part(_event_types(filters)).rows(filters, kind.columns(rule))
        return _with_marks(rows, absence.marks(rule, rows)) if rule.known_groups else rows

    def _part(self, types: tuple[str, ...]) -> "_Part":
        """The events of these types; of every type where none is named."""
        if types not in self._parts:
            self._parts[types] = _Part(self._of_types(types), types)
        return self._parts[types]

    def _of_types(self, types: tuple[str, ...]) -> pl.DataFrame:
        if not types:
            return self.events
        if len(types) > 1:
            return self.events.filter(self.events["event_type"].is_in(list(types)))
        if self.events.height < _FEWEST_EVENTS_TO_PART:
            return self.events.filter(self.events["event_type"] == types[0])
        if self._types is None:
            parts = self.events.partition_by("event_type", maintain_order=True)
            self._types = {part["event_type"][0]: part for part in parts}
        return self._types.get(types[0], self.events.clear())


class _Part:
    """The events of some types, grouped and sorted, and what filters have found among them."""

    def __init__(self, events: pl.DataFrame, types: tuple[str, ...]) -> None:
        self.events = events
        self.types = types
        self._masks: dict[object, pl.Series] = {}
        self._rows: dict[object, pl.DataFrame] = {}

    def rows(self, filters: tuple[Filters, ...], columns: Mapping[str, pl.Expr]) -> pl.DataFrame:
        key = (filters, tuple((name, str(column)) for name, column in columns.items()))
        if key not in self._rows:
            mask = self._any(filters)
            if columns:
                passing = self.events if mask is None else self.events.filter(mask)
                self._rows[key] = passing.select(*ROW_COLUMNS, **columns)
            else:
                every = [self.events[name] for name in ROW_COLUMNS]
                self._rows[key] = pl.DataFrame(every if mask is None else [one.filter(mask) for one in every])
        return self._rows[key]

    def _any(self, filters: tuple[Filters, ...]) -> pl.Series | None:
        masks = [self._passes(one) for one in filters]
        return None if any(mask is None for mask in masks) else reduce(or_, masks)

    def _passes(self, filters: Filters) -> pl.Series | None:
        """Where the filters are true; None where that is everywhere."""
        masks = []
        if filters.event_type and set(filters.event_type) != set(self.types):
            masks.append(self._mask(("event_type", filters.event_type), pl.col("event_type").is_in(filters.event_type)))
        if filters.source:
            masks.append(self._mask(("source", filters.source), pl.col("source").is_in(filters.source)))
        if filters.predicate is not None:
            masks.append(self._mask(filters.where, filters.predicate.expression.fill_null(False)))
        return reduce(and_, masks) if masks else None

    def _mask(self, key: object, expression: pl.Expr) -> pl.Series:
        if key not in self._masks:
            self._masks[key] = self.events.select(mask=expression).to_series()
        return self._masks[key]


def _with_marks(rows: pl.DataFrame, marks: pl.DataFrame) -> pl.DataFrame:
    return rows if marks.is_empty() else pl.concat([rows, marks]).sort(ROW_ORDER)


def group_text(group_by: tuple[str, ...]) -> pl.Expr:
    """The canonical text of each event's group, on a frame that has the paths as fields."""
    if not group_by:
        return pl.lit(_NO_GROUP)
    parts: list[pl.Expr] = []
    for number, path in enumerate(group_by):
        before = "{" if number == 0 else ","
        parts += [pl.lit(f"{before}{msgspec.json.encode(path).decode()}:"), as_token(path).fill_null("null")]
    return pl.concat_str(*parts, pl.lit("}"))


def _event_types(filters: tuple[Filters, ...]) -> tuple[str, ...]:
    """The event types that any of the filters can pass; empty where one of them names none."""
    if not all(one.event_type for one in filters):
        return ()
    return tuple(sorted({kind for one in filters for kind in one.event_type}))
