"""What a micro-batch brings to one rule: its new rows, the groups to judge anew and from when, what came too late."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from eventpulse.event import UTC_MICROSECONDS
from rules.micro_batches.memory import TIME_ORDER, Memory
from rules.micro_batches.shared import Shared
from rules.rule import Rule
from rules.selection import ROW_ORDER
from rules.window import first_of_runs

#: The groups a judgement is about, each with the instant from which everything is judged anew.
SCOPE = pl.Schema({"group": pl.String(), "group_key": pl.UInt64(), "since": UTC_MICROSECONDS})
_NO_IDS = pl.Series("event_id", [], dtype=pl.String)


@dataclass(frozen=True)
class Arrival:
    """`rows` in time order, those that came too late left out; `scope` has one line for each group among them;
    `forgotten` is the part of the scope that begins before the memory's floor and must be recalled; `newest` is the
    newest event time accepted through the stream so far; `too_late` has the ids of the events that were left out."""

    rule: Rule
    rows: pl.DataFrame
    scope: pl.DataFrame
    forgotten: pl.DataFrame
    newest: datetime | None
    too_late: pl.Series


@dataclass(frozen=True)
class _Brought:
    """What is true of an arrival whatever the rule remembers; `earliest` is the first since of the scope."""

    rows: pl.DataFrame
    scope: pl.DataFrame
    earliest: datetime | None
    newest: datetime | None
    too_late: pl.Series


def arrive(
    rule: Rule,
    memory: Memory,
    rows: pl.DataFrame,
    correct: timedelta,
    accepted: datetime | None,
    shared: Shared | None = None,
) -> Arrival:
    """Sort the new rows of a rule into those to judge and those too late to correct anything.

    An event is too late when it is more than `correct` older than the newest event of its rule that was accepted before
    it through the same stream; of those in earlier batches the newest is `accepted`. That is a matter of the order of
    acceptance alone: neither where the stream is cut into batches nor how far other streams have got enters.
    """
    new = (shared or Shared()).once(_brought, rows, rule.has_one_group, correct, accepted)
    forgotten = new.scope
    if new.earliest is None or new.earliest >= memory.floor:
        forgotten = forgotten.clear()
    else:
        forgotten = forgotten.filter(forgotten["since"] < memory.floor)
    return Arrival(rule, new.rows, new.scope, forgotten, new.newest, new.too_late)


def _brought(rows: pl.DataFrame, one_group: bool, correct: timedelta, accepted: datetime | None) -> _Brought:
    in_time, newest, too_late = _without_too_late(accepted, rows, correct)
    by_group = rows if in_time.height == rows.height else in_time.sort(ROW_ORDER)
    by_time = by_group if one_group else by_group.sort(TIME_ORDER)
    begins = first_of_runs(by_group["group_key"])
    groups = [by_group[name].filter(begins) for name in ("group", "group_key")]
    scope = pl.DataFrame([*groups, by_group["timestamp"].filter(begins).alias("since")])
    earliest: datetime | None = by_time["timestamp"][0] if by_time.height else None
    return _Brought(by_time, scope, earliest, newest, too_late)


def _without_too_late(
    newest: datetime | None, rows: pl.DataFrame, correct: timedelta
) -> tuple[pl.DataFrame, datetime | None, pl.Series]:
    if rows.is_empty():
        return rows, newest, _NO_IDS
    newest_of_all: datetime = max(filter(None, (newest, rows["timestamp"].max())))
    if newest_of_all - rows["timestamp"].min() <= correct:  # type: ignore[operator]
        return rows, newest_of_all, _NO_IDS
    accepted = rows.sort("position", "event_id")
    newest_so_far = accepted["timestamp"].cum_max()
    if newest is not None:
        newest_so_far = newest_so_far.clip(lower_bound=newest)
    is_in_time = accepted["timestamp"] >= newest_so_far - correct
    return accepted.filter(is_in_time), newest_of_all, accepted.filter(~is_in_time)["event_id"]
