"""What a rule remembers between micro-batches, so that hot groups are judged without asking the database.

A memory is complete from its `floor` on: it holds every row and every current anomaly that can matter to a judgement
at or after that instant. What lies before the floor has to be recalled from the database. Memories are values: a
micro-batch that fails leaves the old one as it was.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl

from eventpulse.event import UTC_MICROSECONDS
from rules.evaluation import carried, carries_what_is_near, look_back
from rules.micro_batches.shared import Shared
from rules.rule import Rule
from rules.window import earlier, instant_of

#: Current anomalies as a memory keeps them; `said` is a hash of what they say, good in this process only.
REMEMBERED_ANOMALY = pl.Schema(
    {"anomaly_id": pl.String(), "group": pl.String(), "occurred_at": UTC_MICROSECONDS, "said": pl.UInt64()}
)
NONE_REMEMBERED = REMEMBERED_ANOMALY.to_frame()
#: What an anomaly says, which a late event may change although the anomaly itself stands.
SAID = (
    "message",
    "value",
    "threshold",
    "expected",
    "window_start",
    "window_end",
    "contributing",
    "contributing_count",
)
TIME_ORDER = ("timestamp", "position", "event_id")
# Trimming costs a pass over all rows; doing it when the rows have doubled makes it cheap on average.
_FEWEST_ROWS_TO_TRIM = 4_096
_MOST_CHUNKS = 16


@dataclass(frozen=True)
class Memory:
    """One rule's memory. `rows` are in time order; `newest` is the newest event time the rule has selected;
    `judged_through` the watermark up to which truth that moves without events has been judged; `groups_at_most` is a
    number that its groups do not exceed."""

    floor: datetime
    rows: pl.DataFrame
    anomalies: pl.DataFrame
    newest: datetime | None = None
    judged_through: datetime | None = None
    rows_after_trim: int = 0
    groups_at_most: int = 0


def add_rows(memory: Memory, rows: pl.DataFrame, newest: datetime | None, shared: Shared | None = None) -> Memory:
    """The memory with new rows in it, kept in time order. Rows in time order come in; `newest` is the newest event time
    that was selected with them."""
    if rows.is_empty():
        return memory
    newest = max(filter(None, (memory.newest, newest)), default=None)
    if not memory.rows.is_empty():
        rows = (shared or Shared()).once(_joined, memory.rows, rows)
    return replace(memory, rows=rows, newest=newest)


def _joined(known: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    in_order = known["timestamp"][-1] < rows["timestamp"][0]
    joined = known.vstack(rows)
    return _compact(joined) if in_order else joined.sort(TIME_ORDER)


def _compact(joined: pl.DataFrame) -> pl.DataFrame:
    return joined.rechunk() if joined.n_chunks() > _MOST_CHUNKS else joined


def add_past(rule: Rule, memory: Memory, rows: pl.DataFrame, hot: timedelta, *, counts: bool) -> Memory:
    """The memory with rows in it that were stored without being judged, as those of an import are, wherever in time
    they lie; only what may still matter of them is kept. `counts`: the newest of them is an event the rule has selected
    like others."""
    newest = memory.newest
    if counts:
        newest = max(filter(None, (newest, rows["timestamp"].max())))
    floor = floor_of(memory, newest, hot)
    joined = pl.concat([memory.rows, rows]).sort(TIME_ORDER)
    kept = carried(rule, joined, floor).sort(TIME_ORDER)
    anomalies = memory.anomalies.filter(memory.anomalies["occurred_at"] >= oldest_anomaly(rule, floor))
    groups = memory.groups_at_most + rows["group_key"].n_unique()
    return replace(
        memory,
        floor=floor,
        rows=kept,
        anomalies=anomalies,
        newest=newest,
        rows_after_trim=kept.height,
        groups_at_most=groups,
    )


def remembered(anomalies: pl.DataFrame) -> pl.DataFrame:
    """Anomalies (the columns of ANOMALY_SCHEMA) as a memory keeps them."""
    if anomalies.is_empty():
        return NONE_REMEMBERED
    return anomalies.with_columns(said=pl.struct(SAID).hash()).select(REMEMBERED_ANOMALY.names())


def add_anomalies(memory: Memory, found: pl.DataFrame, restated: pl.DataFrame, retracted: list[str]) -> Memory:
    """The memory after anomalies were found, others say something else now (both REMEMBERED_ANOMALY), and others no
    longer hold."""
    anomalies = memory.anomalies
    if gone := [*retracted, *(restated["anomaly_id"] if restated.height else ())]:
        anomalies = anomalies.filter(~pl.col("anomaly_id").is_in(gone))
    for new in (found, restated):
        if not new.is_empty():
            anomalies = new if anomalies.is_empty() else _compact(anomalies.vstack(new))
    return memory if anomalies is memory.anomalies else replace(memory, anomalies=anomalies)


def trim(rule: Rule, memory: Memory, hot: timedelta) -> Memory:
    """Forget what no judgement at or after `newest - hot` can need; a no-op until enough has gathered."""
    if memory.newest is None or memory.rows.height < max(2 * memory.rows_after_trim, _FEWEST_ROWS_TO_TRIM):
        return memory
    floor = floor_of(memory, memory.newest, hot)
    if floor <= memory.floor:
        return replace(memory, rows_after_trim=memory.rows.height)
    if carries_what_is_near(rule):
        rows = memory.rows.slice(
            bisect_right(memory.rows["timestamp"].cast(pl.Int64), instant_of(earlier(floor, look_back(rule))))
        )
    else:
        rows = carried(rule, memory.rows, floor).sort(TIME_ORDER)
    anomalies = memory.anomalies
    if not anomalies.is_empty():
        anomalies = anomalies.filter(anomalies["occurred_at"] >= oldest_anomaly(rule, floor))
    return replace(memory, floor=floor, rows=rows, anomalies=anomalies, rows_after_trim=rows.height)


def floor_of(memory: Memory, newest: datetime | None, hot: timedelta) -> datetime:
    """The instant from which on a memory has to be complete once its newest event is this one."""
    floor = memory.floor if newest is None else max(memory.floor, earlier(newest, hot))
    return floor if memory.judged_through is None else min(floor, memory.judged_through)


def oldest_anomaly(rule: Rule, floor: datetime) -> datetime:
    """From when on anomalies can matter to judgements at or after the floor."""
    return earlier(floor, timedelta(seconds=rule.cooldown_seconds))
