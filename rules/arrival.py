"""What a micro-batch brings to one rule: its new rows, the groups to judge anew and from when, what came too late."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from eventpulse.event import UTC_MICROSECONDS
from rules.memory import TIME_ORDER, Memory
from rules.rule import Rule

#: The groups a judgement is about, each with the instant from which everything is judged anew.
SCOPE = pl.Schema({"group": pl.String(), "group_key": pl.UInt64(), "since": UTC_MICROSECONDS})


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


def arrive(rule: Rule, memory: Memory, rows: pl.DataFrame, correct: timedelta, accepted: datetime | None) -> Arrival:
    """Sort the new rows of a rule into those to judge and those too late to correct anything.

    An event is too late when it is more than `correct` older than the newest event of its rule that was accepted before
    it through the same stream; of those in earlier batches the newest is `accepted`. That is a matter of the order of
    acceptance alone: neither where the stream is cut into batches nor how far other streams have got enters.
    """
    in_time, newest, too_late = _without_too_late(accepted, rows, correct)
    if rule.has_one_group and in_time.height == rows.height:
        return _of_one_group(rule, memory, rows, newest, too_late)  # `in_time` may be in the order of acceptance
    in_time = in_time.sort(TIME_ORDER)
    scope = in_time.group_by("group_key").agg(pl.col("group").first(), since=pl.col("timestamp").min())
    scope = scope.select(SCOPE.names()).sort("group_key")
    forgotten = scope.filter(pl.col("since") < memory.floor)
    return Arrival(rule, in_time, scope, forgotten, newest, too_late)


def _of_one_group(
    rule: Rule, memory: Memory, rows: pl.DataFrame, newest: datetime | None, too_late: pl.Series
) -> Arrival:
    """What comes to a rule without groups: its rows are in time order already, and all of them belong together."""
    since = rows["timestamp"].slice(0, 1).alias("since")
    scope = pl.DataFrame([rows["group"].slice(0, 1), rows["group_key"].slice(0, 1), since])
    forgotten = scope if since[0] < memory.floor else scope.clear()
    return Arrival(rule, rows, scope, forgotten, newest, too_late)


def _without_too_late(
    newest: datetime | None, rows: pl.DataFrame, correct: timedelta
) -> tuple[pl.DataFrame, datetime | None, pl.Series]:
    nobody = rows["event_id"].clear()
    if rows.is_empty():
        return rows, newest, nobody
    newest_of_all: datetime = max(filter(None, (newest, rows["timestamp"].max())))
    if newest_of_all - rows["timestamp"].min() <= correct:  # type: ignore[operator]
        return rows, newest_of_all, nobody
    accepted = rows.sort("position", "event_id")
    newest_so_far = accepted["timestamp"].cum_max()
    if newest is not None:
        newest_so_far = newest_so_far.clip(lower_bound=newest)
    is_in_time = accepted["timestamp"] >= newest_so_far - correct
    return accepted.filter(is_in_time), newest_of_all, accepted.filter(~is_in_time)["event_id"]
