"""The course of a rule for one group over a stretch of time, as a chart shows it: what its condition looks at, what
that is held against, and the anomalies.

The points are those at which something changes. Where they are too many they are thinned so that nothing that stands
out is hidden: of each of many equal parts of the stretch the first and the last point stay, the lowest and the
highest value, and the first point at which the condition is true and at which it is not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import polars as pl

from rules.evaluation import FIRED, FOREVER, SINCE, judge, look_back
from rules.kinds import KINDS
from rules.kinds.kind import COURSE
from rules.rule import Rule
from rules.window import instant_of, reaching
from rules.write_up import NO_ANOMALIES

MOST_POINTS = 2_000
_KEPT_OF_A_PART = 6


@dataclass(frozen=True)
class Series:
    """`points` (COURSE) and `anomalies` (ANOMALY_SCHEMA) in order, both thinned; `anomaly_count` is how many there are.
    `shape` says how points hang together, see rules/kinds/kind.py."""

    unit: str
    shape: Literal["steps", "line", "events"]
    points: pl.DataFrame
    anomalies: pl.DataFrame
    anomaly_count: int


def reach_of_series(rule: Rule) -> timedelta:
    """How far before its start a series needs the rows of its group, beside the newest row before those.

    Rules that look back for ever are shown by what is near: where a group's beginning lies further back than that, it
    counts as long ago.
    """
    span = look_back(rule)
    if span != FOREVER and rule.condition.type != "absence":
        return span
    spans = timedelta(seconds=rule.for_seconds), timedelta(seconds=rule.keep_firing_seconds)
    return reaching(KINDS[rule.condition.type].recently(rule), *spans)


def series(
    rule: Rule, rows: pl.DataFrame, start: datetime, end: datetime, *, fired_at: datetime | None, watermark: datetime
) -> Series:
    """The course from `start` to `end`, given the rows of one group (rules/selection.py) that are older than `end`.

    `fired_at` is the group's last anomaly before the start, where it had one; `watermark` how far truth that moves
    without events is known.
    """
    if rows.is_empty():
        return Series("", "steps", COURSE.to_frame(), NO_ANOMALIES, 0)
    from_on, until = instant_of(start), instant_of(end)
    course = KINDS[rule.condition.type].course(rule, rows, from_on, until)
    inside = course.points.filter((pl.col("at") >= from_on) & (pl.col("at") <= until))
    found = anomalies_from(rule, rows, start, fired_at=fired_at, watermark=min(watermark, end))
    found = found.filter(pl.col("occurred_at") < end)
    shown = thinned(found.with_columns(at=pl.col("occurred_at").cast(pl.Int64), true=pl.lit(True)), from_on, until)
    return Series(
        course.unit, course.shape, thinned(inside, from_on, until), shown.select(NO_ANOMALIES.columns), found.height
    )


def anomalies_from(
    rule: Rule, rows: pl.DataFrame, start: datetime, *, fired_at: datetime | None, watermark: datetime
) -> pl.DataFrame:
    """The anomalies (ANOMALY_SCHEMA) of every group among the rows from an instant on."""
    keys = rows.select(pl.col("group_key").unique(maintain_order=True))
    since = keys.with_columns(since=pl.lit(start)).cast(SINCE)
    fired = FIRED.to_frame()
    if fired_at is not None:
        fired = keys.with_columns(fired_at=pl.lit(fired_at)).cast(FIRED)
    return judge(rule, rows, since=since, fired=fired, until=watermark)


def thinned(points: pl.DataFrame, from_on: int, until: int, most: int = MOST_POINTS) -> pl.DataFrame:
    """At most `most` of the points (at, value, true), in order."""
    if points.height <= most:
        return points
    parts = max(most // _KEPT_OF_A_PART, 1)
    # In doubles: a stretch in microseconds times the number of parts may not fit into 64 bits.
    part = ((pl.col("at") - from_on) / (until - from_on + 1) * parts).floor().cast(pl.Int32)
    numbered = points.select("value", "true", part=part).with_row_index("number")
    number, value = pl.col("number"), pl.col("value")
    kept = numbered.group_by("part").agg(
        number.first().alias("first"),
        number.last().alias("last"),
        number.get(value.arg_min(), null_on_oob=True).alias("lowest"),
        number.get(value.arg_max(), null_on_oob=True).alias("highest"),
        number.filter("true").first().alias("true"),
        number.filter(~pl.col("true")).first().alias("not true"),
    )
    numbers = pl.concat([kept[name] for name in kept.columns if name != "part"]).drop_nulls().unique().sort()
    return points[numbers]
