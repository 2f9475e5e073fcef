"""What rules find now, held against the anomalies that stand: what is new, what says something else, what is gone."""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain, repeat

import polars as pl

from rules.evaluation import FIRED
from rules.micro_batches.memory import remembered
from rules.window import all_at, instant_of
from rules.write_up import NO_ANOMALIES

_NEVER_FIRED = FIRED.to_frame()


def compared(
    holds: pl.DataFrame, anomalies: pl.DataFrame, scope: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    """What holds, held against the anomalies of the scope that stand: those found, those restated, those gone."""
    if anomalies.is_empty() or scope.is_empty():
        return holds, NO_ANOMALIES, []
    if anomalies["occurred_at"].max() < scope["since"].min():  # type: ignore[operator]
        return holds, NO_ANOMALIES, []
    stood = anomalies.join(scope, on="group").filter(pl.col("occurred_at") >= pl.col("since"))
    if stood.is_empty():
        return holds, holds.clear(), []
    found = holds.filter(~pl.col("anomaly_id").is_in(stood["anomaly_id"].implode()))
    gone = stood.filter(~pl.col("anomaly_id").is_in(holds["anomaly_id"].implode()))["anomaly_id"].to_list()
    return found, _restated(holds, stood), gone


def _restated(holds: pl.DataFrame, stood: pl.DataFrame) -> pl.DataFrame:
    both = remembered(holds).join(stood.select("anomaly_id", before="said"), on="anomaly_id")
    changed = both.filter(pl.col("said") != pl.col("before"))["anomaly_id"]
    return holds.filter(pl.col("anomaly_id").is_in(changed.implode()))


def last_fired(scope: pl.DataFrame, anomalies: pl.DataFrame) -> pl.DataFrame:
    """The last anomaly (FIRED) of each group of the scope before its since, where it had one."""
    if anomalies.is_empty():
        return _NEVER_FIRED
    if scope.height == 1 and (stands := _stands_before(scope, anomalies)) is not None:
        return pl.DataFrame([scope["group_key"], stands])
    before = anomalies.join(scope, on="group").filter(pl.col("occurred_at") < pl.col("since"))
    return before.group_by("group_key").agg(fired_at=pl.col("occurred_at").max())


def _stands_before(scope: pl.DataFrame, anomalies: pl.DataFrame) -> pl.Series | None:
    """When the last of the anomalies occurred, where all of them are of the scope's one group and stand before it."""
    groups, occurred = anomalies["group"], anomalies["occurred_at"]
    last: datetime = occurred.max()  # type: ignore[assignment]
    if last < scope["since"][0] and groups.min() == groups.max() == scope["group"][0]:
        return all_at(last, 1).alias("fired_at")
    return None


def with_lateness(found: pl.DataFrame, known_through: Sequence[tuple[datetime | None, int]]) -> pl.DataFrame:
    """The anomalies, and whether each is late: it occurred before the instant through which all was thought to be known
    of its rule. That is given for each rule, with how many of the anomalies are the rule's."""
    instants = (repeat(_NEVER if one is None else instant_of(one), height) for one, height in known_through)
    known = pl.Series(list(chain.from_iterable(instants)), dtype=pl.Int64)
    return found.with_columns(late=found["occurred_at"].cast(pl.Int64) < known)


_NEVER = -(2**62)
