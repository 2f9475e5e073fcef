"""The evaluation of one rule: rows in, anomalies out, the same ones however the rows came.

A group's anomalies are a function of its rows alone. `judge` gives all of them from any instant on, and needs only
the rows that `look_back` reaches before that instant, or those that `carry` has kept of them.
"""

from datetime import datetime, timedelta

import polars as pl

from eventpulse.event import UTC_MICROSECONDS
from rules.episode import point_triggers, spaced, triggers
from rules.fields import with_fields
from rules.kinds import KINDS
from rules.kinds.wording import group_name
from rules.rule import Rule
from rules.selection import ROW_ORDER, paths_of, select_all, select_rows
from rules.window import A_MOMENT, BEGINNING, FOREVER, earlier, instant_of, microseconds, reaching
from rules.write_up import NO_ANOMALIES, stable_group_key, write_up

__all__ = [
    "FOREVER",
    "carry",
    "evaluate_whole",
    "judge",
    "look_back",
    "moves_without_events",
    "paths_of",
    "select_all",
    "select_rows",
    "stable_group_key",
]

SINCE = pl.Schema({"group_key": pl.UInt64(), "since": UTC_MICROSECONDS})
FIRED = pl.Schema({"group_key": pl.UInt64(), "fired_at": UTC_MICROSECONDS})


def look_back(rule: Rule) -> timedelta:
    """Rows with a timestamp after `since - look_back(rule)` suffice to judge from `since` on. FOREVER where the first
    row of a group may matter, however old; `carry` then says which of the old rows do."""
    kind = KINDS[rule.condition.type]
    return reaching(kind.look_back(rule), *_spans(rule))


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
    if rows.is_empty() or since.is_empty():
        return NO_ANOMALIES
    kind = KINDS[rule.condition.type]
    asked_from = since["since"].cast(pl.Int64)
    earliest: int = asked_from.min()  # type: ignore[assignment]
    found = _triggers(rule, rows, earliest, until)
    if found.is_empty():
        return NO_ANOMALIES
    found = _from_since_on(found, since["group_key"], asked_from)
    found = spaced(found, rule.cooldown_seconds * 1_000_000, fired)
    if found.is_empty():
        return NO_ANOMALIES
    groups = _group_texts(rows, found)
    names = {group: group_name(group) for group in set(groups)}
    return write_up(rule, rows, found, groups, kind.describe(rule, rows, found, [names[group] for group in groups]))


def carry(rule: Rule, rows: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """The smallest part of the rows that still lets `judge` answer exactly for any since >= `at`."""
    earliest = earlier(at, reaching(*_spans(rule)))
    return KINDS[rule.condition.type].carry(rule, rows, earliest).sort(ROW_ORDER)


def carries_what_is_near(rule: Rule) -> bool:
    """Whether `carry` keeps the rows of the look-back and no others."""
    kind = KINDS[rule.condition.type]
    return kind.look_back(rule) == kind.recently(rule) and not kind.true_without_rows(rule)


def evaluate_whole(rule: Rule, events: pl.DataFrame, until: datetime | None = None) -> pl.DataFrame:
    """The anomalies of one evaluation over all given events, which may come in any order."""
    rows = select_rows(rule, with_fields(events, paths_of([rule])))
    since = rows.select(pl.col("group_key").unique()).with_columns(since=pl.lit(BEGINNING, UTC_MICROSECONDS))
    return judge(rule, rows, since=since, fired=FIRED.to_frame(), until=until)


def _triggers(rule: Rule, rows: pl.DataFrame, earliest: int, until: datetime | None) -> pl.DataFrame:
    """The moments from `earliest` on that trigger and that the watermark has come to, cooldown aside."""
    kind, held, kept = KINDS[rule.condition.type], _held(rule), _kept(rule)
    if not held and not kept and (found := kind.quick_triggers(rule, rows, earliest)) is not None:
        return found
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


def _from_since_on(found: pl.DataFrame, groups: pl.Series, asked_from: pl.Series) -> pl.DataFrame:
    """The triggers of the groups that are asked about, from where each is asked about."""
    if len(groups) == 1:
        keys, first = found["group_key"], groups[0]
        if keys[0] == first == keys[-1] and found["at"][0] >= asked_from[0]:
            return found
        return found.filter((keys == first) & (found["at"] >= asked_from[0]))
    asked = pl.DataFrame({"group_key": groups, "since": asked_from})
    found = found.join(asked, on="group_key", maintain_order="left")
    return found.filter(found["at"] >= found["since"]).drop("since")


def _group_texts(rows: pl.DataFrame, found: pl.DataFrame) -> list[str]:
    keys = rows["group_key"]
    if keys[0] == keys[-1]:
        return [rows["group"][0]] * found.height
    return rows["group"].gather(keys.search_sorted(found["group_key"], "left")).to_list()
