"""The judgement of one rule in a micro-batch: new rows and its memory in, what changes about its anomalies out.

It comes in two parts, so that what all rules find can be written up in between in one go: `judge_rule` finds what holds
now, `concluded` holds it against what stood before.
"""

from bisect import bisect_right
from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

from rules.alerting.spans import Spans, spans_since
from rules.evaluation import FOREVER, carry, case_of, look_back, moves_without_events
from rules.micro_batches.arrival import SCOPE, Arrival
from rules.micro_batches.held_against import compared, last_fired
from rules.micro_batches.limit import within_limit
from rules.micro_batches.memory import TIME_ORDER, Memory, add_rows, trim
from rules.micro_batches.shared import Shared
from rules.rule import Rule
from rules.selection import ROW_ORDER
from rules.window import all_at, earlier, instant_of
from rules.write_up import Case

#: Rules that look back for ever are judged on what `carry` leaves of their rows, where that can be less.
_FEW_ROWS = 256


@dataclass(frozen=True)
class Horizons:
    """How long things matter, in event time. `hot` is what memories keep beyond what the rules look back."""

    lateness: timedelta
    correct: timedelta
    hot: timedelta
    watermark_step: timedelta = timedelta(seconds=1)


@dataclass(frozen=True)
class Recalled:
    """What the database remembers of a rule's forgotten groups: rows in the shape of `select_rows`, and the current
    anomalies (REMEMBERED_ANOMALY) from `look_back` or the cooldown before the earliest `since` on."""

    rows: pl.DataFrame
    anomalies: pl.DataFrame


@dataclass(frozen=True)
class Watched:
    """What is known of a rule's alerts: the groups of those that go on, and when the last of the others ended."""

    open_groups: Set[str] = frozenset()
    ended_through: datetime | None = None


@dataclass(frozen=True)
class Judged:
    """One rule, judged from `scope` on: the rows that mattered and the anomalies that stood, its `memory` with the new
    rows in it, and the `case` that there is for anomalies now; `newest_before` is the newest event time before."""

    rule: Rule
    arrival: Arrival | None
    scope: pl.DataFrame
    rows: pl.DataFrame
    anomalies: pl.DataFrame
    memory: Memory
    newest_before: datetime | None
    case: Case | None


@dataclass(frozen=True)
class Outcome:
    """What changes about one rule: see `Findings` in rules/micro_batches/detection.py. Anomalies at or after
    `known_through` are not late."""

    found: pl.DataFrame
    restated: pl.DataFrame
    retracted: list[str]
    memory: Memory
    known_through: datetime | None
    limited: str | None
    spans: Spans | None

    @property
    def changes_anything(self) -> bool:
        return bool(self.retracted) or not (self.found.is_empty() and self.restated.is_empty())


def judge_rule(
    rule: Rule,
    memory: Memory,
    arrival: Arrival | None,
    recalled: Recalled | None,
    watermark: datetime,
    horizons: Horizons,
    shared: Shared,
) -> Judged:
    """Find out what holds in the groups that something arrived for, and what the watermark's advance has made true."""
    before = memory.newest
    if arrival is not None:
        memory = add_rows(memory, arrival.rows, arrival.newest, shared)
    until, every_group = None, arrival is not None and memory.rows is arrival.rows
    scope = arrival.scope if arrival is not None else SCOPE.to_frame()
    if moves_without_events(rule):
        until = max(filter(None, (watermark, memory.judged_through)))
        if watermark_is_due(rule, memory, watermark, horizons):
            scope, every_group = _with_every_group(scope, memory, until), True
            memory = replace(memory, judged_through=until)
        else:  # the other groups can wait; those touched are judged from where all of them will be
            scope = _since_at_most(scope, memory.judged_through)
    rows, anomalies = memory.rows, memory.anomalies
    if arrival is not None and not arrival.forgotten.is_empty():
        if recalled is None:
            raise LookupError("the history of late groups was not recalled")
        rows = _instead(rows, recalled.rows, arrival.forgotten, "group_key").sort(TIME_ORDER)
        anomalies = _instead(anomalies, recalled.anomalies, arrival.forgotten, "group")
    relevant = _relevant(rule, rows, scope, every_group, shared)
    case = case_of(rule, relevant, since=scope, fired=last_fired(scope, anomalies), until=until)
    return Judged(rule, arrival, scope, relevant, anomalies, memory, before, case)


def concluded(judged: Judged, holds: pl.DataFrame, horizons: Horizons, alerts: Watched | None) -> Outcome:
    """What changes, given the anomalies (ANOMALY_SCHEMA) that hold now. With `alerts`, spans are told too."""
    rule, scope, anomalies = judged.rule, judged.scope, judged.anomalies
    found, restated, gone = compared(holds, anomalies, scope)
    spans = None
    if alerts is not None:
        changed = set(_touched(alerts, judged.arrival))
        if gone or not (found.is_empty() and restated.is_empty()):
            fallen = anomalies.filter(pl.col("anomaly_id").is_in(gone))["group"]
            changed.update(found["group"], restated["group"], fallen)
        if changed:
            spans = spans_since(rule, judged.rows, scope.filter(pl.col("group").is_in(list(changed))), holds)
    memory = trim(rule, judged.memory, horizons.hot)
    memory, limited = within_limit(rule, memory, 0 if judged.arrival is None else judged.arrival.scope.height)
    before = judged.newest_before
    known_through = None if before is None else earlier(before, horizons.lateness)
    return Outcome(found, restated, gone, memory, known_through, limited, spans)


def _touched(alerts: Watched, arrival: Arrival | None) -> list[str]:
    """The groups that something arrived for and that have an alert there, or may have: one that has not ended, or one
    that was over by a later instant than what arrived."""
    if arrival is None or not (alerts.open_groups or alerts.ended_through):
        return []
    scope = arrival.scope
    touched = [group for group in scope["group"] if group in alerts.open_groups] if alerts.open_groups else []
    if alerts.ended_through is not None:
        touched.extend(scope.filter(pl.col("since") <= alerts.ended_through)["group"])
    return touched


def _since_at_most(scope: pl.DataFrame, instant: datetime | None) -> pl.DataFrame:
    if instant is None or scope.is_empty() or scope["since"].max() <= instant:  # type: ignore[operator]
        return scope
    return scope.with_columns(scope["since"].clip(upper_bound=instant))


def watermark_is_due(rule: Rule, memory: Memory, watermark: datetime, horizons: Horizons) -> bool:
    if not moves_without_events(rule) or memory.rows.is_empty():
        return False
    return memory.judged_through is None or watermark - memory.judged_through >= horizons.watermark_step


def _with_every_group(scope: pl.DataFrame, memory: Memory, until: datetime) -> pl.DataFrame:
    """Add the groups of the memory that nothing arrived for: they are judged from where the last watermark stood. A
    rule that has judged nothing so far begins where this one stands: what was before is history."""
    since = memory.judged_through or until
    groups = memory.rows["group"], memory.rows["group_key"]
    if groups[1].min() == groups[1].max():
        waiting = pl.DataFrame([column.slice(0, 1) for column in groups])
    else:
        waiting = pl.DataFrame(groups).unique("group_key")
    waiting.insert_column(2, all_at(since, waiting.height).alias("since"))
    if scope.is_empty() or scope["since"].min() >= since:  # type: ignore[operator]
        return waiting  # what arrived is remembered already, so its groups are among them
    both = pl.concat([scope, waiting])
    return both.group_by("group_key").agg(pl.col("group").first(), pl.col("since").min()).select(SCOPE.names())


def _instead(known: pl.DataFrame, recalled: pl.DataFrame, forgotten: pl.DataFrame, key: str) -> pl.DataFrame:
    """For forgotten groups, what was recalled replaces what is known. It includes the new rows: they are stored."""
    kept = known.join(forgotten.select(key), on=key, how="anti")
    return pl.concat([kept, recalled.select(known.columns).join(forgotten.select(key), on=key, how="semi")])


def _relevant(rule: Rule, rows: pl.DataFrame, scope: pl.DataFrame, every_group: bool, shared: Shared) -> pl.DataFrame:
    """The rows of the scope's groups that can matter, in the order in which `judge` wants them. Rows in time order come
    in; with `every_group` all of them are of the scope's groups."""
    if scope.is_empty():
        return rows.clear()
    since: datetime = scope["since"].min()  # type: ignore[assignment]
    span = look_back(rule)
    recent = rows if span == FOREVER else _later(rows, earlier(since, span))
    if rule.group_by and not every_group:
        recent = recent.filter(recent["group_key"].is_in(scope["group_key"].implode()))
    if span == FOREVER and recent.height > _FEW_ROWS:
        return carry(rule, recent, since)
    return recent if rule.has_one_group else shared.once(_in_row_order, recent)


def _later(rows: pl.DataFrame, instant: datetime) -> pl.DataFrame:
    """The rows after an instant, of rows in time order."""
    instants, after = rows["timestamp"].cast(pl.Int64), instant_of(instant)
    return rows if rows.is_empty() or instants[0] > after else rows.slice(bisect_right(instants, after))


def _in_row_order(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort(ROW_ORDER)
