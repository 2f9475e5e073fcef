"""The evaluation of one rule: rows in, anomalies out, the same ones however the rows came.

A group's anomalies are a function of its rows alone. `judge` gives all of them from any instant on, and needs only
the rows that `look_back` reaches before that instant, or those that `carry` has kept of them.
"""

from datetime import datetime, timedelta
from functools import lru_cache

import polars as pl

from eventpulse.event import UTC_MICROSECONDS
from rules.episode import from_since_on, point_triggers, row_triggers, spaced, triggers
from rules.fields import with_fields
from rules.kinds import KINDS
from rules.kinds.kind import FarRow, Found
from rules.kinds.wording import group_name
from rules.rule import Rule
from rules.selection import ROW_ORDER, paths_of, select_all, select_rows
from rules.window import A_MOMENT, BEGINNING, FOREVER, earlier, instant_of, microseconds, reaching
from rules.write_up import NO_ANOMALIES, Case, stable_group_key, write_up

__all__ = [
    "FOREVER",
    "carried",
    "carry",
    "case_of",
    "evaluate_whole",
    "far_row",
    "far_rows",
    "judge",
    "look_back",
    "moves_without_events",
    "near",
    "needs_all_of_the_past",
    "paths_of",
    "select_all",
    "select_rows",
    "stable_group_key",
]

SINCE = pl.Schema({"group_key": pl.UInt64(), "since": UTC_MICROSECONDS})
FIRED = pl.Schema({"group_key": pl.UInt64(), "fired_at": UTC_MICROSECONDS})


@lru_cache(maxsize=10_000)
def look_back(rule: Rule) -> timedelta:
    """Rows with a timestamp after `since - look_back(rule)` suffice to judge from `since` on. FOREVER where the first
    row of a group may matter, however old; `carry` then says which of the old rows do."""
    kind = KINDS[rule.condition.type]
    return reaching(kind.look_back(rule), *_spans(rule))


@lru_cache(maxsize=10_000)
def near(rule: Rule) -> timedelta | None:
    """Rows with a timestamp after `since - near(rule)`, and the far row of each group, suffice to judge from `since`
    on; None where others may matter as well."""
    kind = KINDS[rule.condition.type]
    return None if kind.far_row(rule) is None else reaching(kind.recently(rule), *_spans(rule))


def far_row(rule: Rule) -> FarRow | None:
    """Which row of each group matters beside those that are near."""
    return KINDS[rule.condition.type].far_row(rule)


def far_rows(rule: Rule, rows: pl.DataFrame, through: datetime) -> pl.DataFrame:
    """The far row of each group, of its rows up to an instant, all in time order; nothing later matters to it."""
    far = rows.filter(rows["timestamp"] <= through)
    if far_row(rule) == "first":
        return far.unique("group_key", keep="first", maintain_order=True)
    return KINDS[rule.condition.type].carry(rule, far, through)


def needs_all_of_the_past(rule: Rule) -> bool:
    """Whether all of history has to be looked through to know what a rule needs of it."""
    return look_back(rule) == FOREVER and not (rule.has_one_group and near(rule) is not None)


@lru_cache(maxsize=10_000)
def moves_without_events(rule: Rule) -> bool:
    """Whether the rule may have anomalies where no event of the group stands, or must wait for events still to come."""
    return rule.for_seconds > 0 or KINDS[rule.condition.type].moves_without_events(rule)


def judge(
    rule: Rule,
    rows: pl.DataFrame,
    *,
    since: pl.DataFrame,
    fired: pl.DataFrame,
    until: datetime | None,
) -> pl.DataFrame:
    """The anomalies of the groups in `since` (SINCE) with occurred_at at or after their since, in the order of rows.

    `fired` (FIRED) is each group's last anomaly before its since, where it had one. `until` is the watermark: truth
    that moves without events is judged up to it, None meaning to the end of time.
    """
    case = case_of(rule, rows, since=since, fired=fired, until=until)
    return NO_ANOMALIES if case is None else write_up([case])[0]


def case_of(
    rule: Rule,
    rows: pl.DataFrame,
    *,
    since: pl.DataFrame,
    fired: pl.DataFrame,
    until: datetime | None,
) -> Case | None:
    """What `judge` finds before it is written up, so that this can be done for many rules in one go; None where that is
    nothing."""
    if rows.is_empty() or since.is_empty():
        return None
    kind = KINDS[rule.condition.type]
    found = _found(rule, rows, since, fired, until)
    if not found["at"]:
        return None
    groups = _group_texts(rows, found)
    return Case(rule, rows, found, groups, kind.describe(rule, rows, found, list(map(group_name, groups))))


def carry(rule: Rule, rows: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """The smallest part of the rows that still lets `judge` answer exactly for any since >= `at`."""
    return carried(rule, rows, at).sort(ROW_ORDER)


def carried(rule: Rule, rows: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """What `carry` tells, in any order."""
    return KINDS[rule.condition.type].carry(rule, rows, earlier(at, reaching(*_spans(rule))))


@lru_cache(maxsize=10_000)
def carries_what_is_near(rule: Rule) -> bool:
    """Whether `carry` keeps the rows of the look-back and no others."""
    kind = KINDS[rule.condition.type]
    return kind.look_back(rule) == kind.recently(rule) and not kind.true_without_rows(rule)


def evaluate_whole(rule: Rule, events: pl.DataFrame, until: datetime | None = None) -> pl.DataFrame:
    """The anomalies of one evaluation over all given events, which may come in any order."""
    rows = select_rows(rule, with_fields(events, paths_of([rule])))
    since = rows.select(pl.col("group_key").unique()).with_columns(since=pl.lit(BEGINNING, UTC_MICROSECONDS))
    return judge(rule, rows, since=since, fired=FIRED.to_frame(), until=until)


def _found(rule: Rule, rows: pl.DataFrame, since: pl.DataFrame, fired: pl.DataFrame, until: datetime | None) -> Found:
    """The triggers from since on, cooldown and watermark considered."""
    cooldown = rule.cooldown_seconds * 1_000_000
    asked_from = since["since"].cast(pl.Int64)
    if not _held(rule) and not _kept(rule):
        true = KINDS[rule.condition.type].true_rows(rule, rows)
        if true is not None:
            return row_triggers(true, rows, since["group_key"], asked_from, cooldown, fired)
    earliest: int = asked_from.min()  # type: ignore[assignment]
    found = _triggers(rule, rows, earliest, until)
    if not found.is_empty():
        found = spaced(from_since_on(found, since["group_key"], asked_from), cooldown, fired)
    return found.to_dict(as_series=False)


def _triggers(rule: Rule, rows: pl.DataFrame, earliest: int, until: datetime | None) -> pl.DataFrame:
    """The moments from `earliest` on that trigger and that the watermark has come to, cooldown aside."""
    kind, held, kept = KINDS[rule.condition.type], _held(rule), _kept(rule)
    horizon = None if until is None or not moves_without_events(rule) else instant_of(until)
    moments = kind.truth(rule, rows, earliest - held - kept - microseconds(A_MOMENT), horizon)
    found = (triggers if kind.lasts(rule) else point_triggers)(moments, held, kept)
    if horizon is None or found.is_empty():
        return found
    if held or "settled_at" not in found.columns:
        return found.filter(found["at"] <= horizon)
    return found.filter((found["settled_at"] <= horizon).fill_null(True))


def _held(rule: Rule) -> int:
    return rule.for_seconds * 1_000_000


def _kept(rule: Rule) -> int:
    return rule.keep_firing_seconds * 1_000_000


def _spans(rule: Rule) -> tuple[timedelta, timedelta]:
    return timedelta(seconds=rule.for_seconds), timedelta(seconds=rule.keep_firing_seconds)


def _group_texts(rows: pl.DataFrame, found: Found) -> list[str]:
    keys, of_found = rows["group_key"], found["group_key"]
    if keys[0] == keys[-1]:
        return [rows["group"][0]] * len(of_found)
    return rows["group"].gather(keys.search_sorted(pl.Series(of_found, dtype=pl.UInt64), "left")).to_list()
