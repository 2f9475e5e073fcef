"""What has to be read of the past of groups that something came late for, and what of it the memory knows already."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from rules.evaluation import far_row, far_rows, look_back, near
from rules.micro_batches.arrival import Arrival
from rules.micro_batches.memory import Memory
from rules.window import earlier


@dataclass(frozen=True)
class Lacking:
    """What is to be read for the forgotten groups of an arrival: all rows with a later timestamp than `after`, and of
    the groups in `searched` their far rows up to then (`far_rows` in rules/evaluation.py). `known` are the older rows
    that matter and need not be read."""

    after: datetime
    known: pl.DataFrame
    searched: frozenset[str] = frozenset()


def lacking(arrival: Arrival, memory: Memory) -> Lacking:
    """What a memory that does not have the rows of the arrival yet lacks to judge the arrival's forgotten groups."""
    rule, since = arrival.rule, _earliest(arrival)
    span = near(rule)
    if span is None:
        return Lacking(earlier(since, look_back(rule)), memory.rows.clear())
    after = earlier(since, span)
    remembered = memory.rows.filter(memory.rows["group_key"].is_in(arrival.forgotten["group_key"].implode()))
    known = far_rows(rule, remembered, after)
    if far_row(rule) == "first":  # which a memory keeps of every group, however old it is
        return Lacking(after, known)
    # A memory keeps the newest row of each group from before its floor. Where that came before the late event too, it
    # is the one; where it came after, another one may have come before; where there is none, none did.
    between = (remembered["timestamp"] > after) & (remembered["timestamp"] <= earlier(memory.floor, span))
    searched = frozenset(remembered.filter(between)["group"])
    return Lacking(after, known.filter(~pl.col("group").is_in(list(searched))), searched)


def anomalies_from(arrival: Arrival) -> datetime:
    """Current anomalies of the forgotten groups from this instant on are needed too: they may fall, or cool down."""
    return earlier(_earliest(arrival), timedelta(seconds=arrival.rule.cooldown_seconds))


def _earliest(arrival: Arrival) -> datetime:
    earliest: datetime = arrival.forgotten["since"].min()  # type: ignore[assignment]
    return earliest
