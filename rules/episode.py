"""From truth to triggers: `for`, `keep firing` and cooldown, over the moments of all groups at once.

A condition is true from one moment to the next, so true moments in a row are one true interval, half-open: it ends
with the instant of the first moment that is false. `for_seconds` moves its start; what is over by then is dropped.
`keep_firing_seconds` extends its end; intervals that then touch are one. Triggers are the events inside, and the
start of an interval where no event stands.
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

import polars as pl

# Fewer triggers than this are looked at one by one: a query would cost more than its work.
_MANY = 64
_SAME_GROUP_BEFORE = pl.col("group_key") == pl.col("group_key").shift(1)
_SAME_GROUP_AFTER = pl.col("group_key") == pl.col("group_key").shift(-1)


def triggers(moments: pl.DataFrame, held: int, kept: int) -> pl.DataFrame:
    """The moments that trigger, cooldown aside, in order. `moments` has group_key, at, row, `true` and any further
    columns.

    `held` is for_seconds and `kept` keep_firing_seconds, both in microseconds. Where an interval comes to count
    between two moments, a moment is added that has the further columns of the one before it.
    """
    if not moments["true"].any():
        return moments.clear()
    if held:
        moments = _held_long_enough(moments, held)
    starts = pl.col("true") & ~(pl.col("true").shift(1) & _SAME_GROUP_BEFORE).fill_null(False)
    if not kept:
        return moments.filter(pl.col("true") & (pl.col("row").is_not_null() | starts))
    ends = ~pl.col("true") & (pl.col("true").shift(1) & _SAME_GROUP_BEFORE).fill_null(False)
    ended = pl.when(ends).then("at").forward_fill().over("group_key")
    still = (pl.col("at") - ended < kept).fill_null(False)
    apart = (pl.col("at") - ended.shift(1).over("group_key") > kept).fill_null(True)
    return moments.filter(pl.when(pl.col("row").is_null()).then(starts & apart).otherwise(pl.col("true") | still))


def point_triggers(moments: pl.DataFrame, held: int, kept: int) -> pl.DataFrame:
    """As `triggers`, for conditions that are true at an instant and false again right after it.

    An instant lasts no time, so with for_seconds nothing is left of it.
    """
    if held or not moments["true"].any():
        return moments.clear()
    if not kept:
        return moments.filter("true")
    last = pl.when("true").then("at").forward_fill().over("group_key")
    still = (pl.col("at") - last < kept).fill_null(False)
    apart = (pl.col("at") - last.shift(1).over("group_key") > kept).fill_null(True)
    return moments.filter(
        pl.when(pl.col("row").is_null()).then(pl.col("true") & apart).otherwise(pl.col("true") | still)
    )


def lasting_truth(moments: pl.DataFrame, held: int, kept: int, lasts: bool) -> pl.DataFrame:
    """The truth with `held` and `kept` in it, as moments that last until the next one: group_key, at, row, `true`,
    `follows`.

    What is over at once gets a moment right after its own, at which it is false; `follows` is the row of the event
    after which it comes. Moments in order come in.
    """
    if "follows" not in moments.columns:
        moments = moments.with_columns(follows=pl.lit(None, pl.UInt32))
    moments = moments.select("group_key", "at", "row", "true", "follows")
    if held:
        moments = _held_long_enough(moments, held) if lasts else moments.with_columns(true=pl.lit(False))
    if kept:
        return _kept_firing(moments, kept, lasts)
    if lasts:
        return moments
    moments = moments.with_columns(_order=pl.int_range(pl.len()))
    over = moments.filter("true").with_columns(true=pl.lit(False), row=pl.lit(None, pl.UInt32), follows="row")
    return pl.concat([moments, over]).sort("_order", maintain_order=True).drop("_order")


def _kept_firing(moments: pl.DataFrame, kept: int, lasts: bool) -> pl.DataFrame:
    """The same moments, true for `kept` longer, and the moments at which that is over."""
    ends = pl.col("true")
    if lasts:
        ends = ~pl.col("true") & (pl.col("true").shift(1) & _SAME_GROUP_BEFORE).fill_null(False)
    ended = pl.when(ends).then("at").forward_fill().over("group_key")
    dated = moments.with_columns(
        _over=ended + kept,
        _next=pl.when(_SAME_GROUP_AFTER).then(pl.col("at").shift(-1)),
        _next_true=(pl.col("true").shift(-1) & _SAME_GROUP_AFTER).fill_null(False),
    )
    still = (pl.col("at") < pl.col("_over")).fill_null(False)
    closing = still if not lasts else still & ~pl.col("true")
    before_next = (pl.col("_over") < pl.col("_next")).fill_null(True)
    before_next |= ((pl.col("_over") == pl.col("_next")) & ~pl.col("_next_true")).fill_null(False)
    no_event = pl.lit(None, pl.UInt32)
    over = dated.filter(closing & before_next).with_columns(
        at=pl.col("_over"), row=no_event, follows=no_event, true=pl.lit(False)
    )
    kept_true = dated.with_columns(true=pl.col("true") | still)
    return pl.concat([kept_true, over]).drop("_over", "_next", "_next_true")


def _held_long_enough(moments: pl.DataFrame, held: int) -> pl.DataFrame:
    """The same moments, true only where the condition has held for long enough, and the moments at which it has."""
    starts = pl.col("true") & ~(pl.col("true").shift(1) & _SAME_GROUP_BEFORE).fill_null(False)
    dated = moments.with_columns(
        _counts=pl.when(starts).then("at").forward_fill() + held,
        _next=pl.when(_SAME_GROUP_AFTER).then(pl.col("at").shift(-1)),
        _order=pl.int_range(pl.len()),
    )
    between = pl.col("true") & (pl.col("at") < pl.col("_counts"))
    between &= (pl.col("_counts") < pl.col("_next")).fill_null(True)
    no_event = [pl.lit(None, pl.UInt32).alias(name) for name in ("row", "follows") if name in moments.columns]
    added = dated.filter(between).with_columns(*no_event, at=pl.col("_counts"))
    judged = dated.with_columns(true=pl.col("true") & (pl.col("at") >= pl.col("_counts")).fill_null(False))
    both = pl.concat([judged, added]).sort("_order", maintain_order=True)
    return both.drop("_counts", "_next", "_order")


def row_triggers(
    true: pl.Series, rows: pl.DataFrame, groups: pl.Series, asked_from: pl.Series, cooldown: int, fired: pl.DataFrame
) -> dict[str, list[Any]]:
    """The triggers, as lists, of a condition that triggers at all the rows at which it is `true`: those of the groups
    that are asked about, from where each is asked about, spaced by the cooldown."""
    keys, instants = rows["group_key"], rows["timestamp"].cast(pl.Int64)
    if len(groups) == 1 and keys[0] == keys[-1] == groups[0]:
        before = fired.filter(fired["group_key"] == groups[0]) if fired.height else fired
        numbers = _spaced_rows(true, instants, asked_from[0], cooldown, before)
        at = [instants[row] for row in numbers]
        return {"group_key": [keys[0]] * len(at), "at": at, "row": numbers, "true": [True] * len(at)}
    row = true.arg_true().alias("row")
    found = pl.DataFrame([keys[row], instants[row].alias("at"), row, true[row].alias("true")])
    if not found.is_empty():
        found = spaced(from_since_on(found, groups, asked_from), cooldown, fired)
    return found.to_dict(as_series=False)


def _spaced_rows(true: pl.Series, instants: pl.Series, since: int, cooldown: int, fired: pl.DataFrame) -> list[int]:
    """The numbers of the rows of one group that trigger: from one to the next by looking for the first that is true."""
    if fired.height:
        since = max(since, fired["fired_at"].cast(pl.Int64)[0] + cooldown)
    start = 0 if instants[0] >= since else bisect_left(instants, since)
    if not cooldown:
        return (true.slice(start).arg_true() + start).to_list()
    kept: list[int] = []
    while start < len(true):
        row = start + (true.slice(start).arg_max() or 0)
        if not true[row]:
            break
        kept.append(row)
        start = bisect_left(instants, instants[row] + cooldown, row + 1)
    return kept


def from_since_on(found: pl.DataFrame, groups: pl.Series, asked_from: pl.Series) -> pl.DataFrame:
    """The triggers of the groups that are asked about, from where each is asked about."""
    if len(groups) == 1:
        keys, first = found["group_key"], groups[0]
        if keys[0] == first == keys[-1] and found["at"][0] >= asked_from[0]:
            return found
        return found.filter((keys == first) & (found["at"] >= asked_from[0]))
    asked = pl.DataFrame({"group_key": groups, "since": asked_from})
    found = found.join(asked, on="group_key", maintain_order="left")
    return found.filter(found["at"] >= found["since"]).drop("since")


def spaced(found: pl.DataFrame, cooldown: int, fired: pl.DataFrame) -> pl.DataFrame:
    """The triggers that are at least `cooldown` after the anomaly before them, beginning with the `fired` ones.

    Jumps from anomaly to anomaly by binary search, so the cost is per anomaly, not per trigger; and only in groups that
    have triggers closer than that, or an anomaly before.
    """
    if not cooldown or found.is_empty():
        return found
    close = _close(found, cooldown)
    if fired.is_empty() and not close.any():
        return found
    if found.height < _MANY:
        kept = _kept(found, cooldown, fired)
    else:
        crowded = found["group_key"].filter(close).append(fired["group_key"])
        inside = found["group_key"].is_in(crowded.unique().implode())
        numbers = inside.arg_true()
        kept = (~inside).arg_true().append(numbers.gather(_kept(found[numbers], cooldown, fired))).sort()
    return found if len(kept) == found.height else found[kept]


def _kept(found: pl.DataFrame, cooldown: int, fired: pl.DataFrame) -> pl.Series:
    """The numbers of the triggers that are far enough from the anomaly before them."""
    last = dict(zip(fired["group_key"], fired["fired_at"].cast(pl.Int64), strict=True))
    instants = found["at"].to_list()
    kept: list[int] = []
    for key, start, end in runs(found["group_key"]):
        at = bisect_left(instants, last[key] + cooldown, start, end) if key in last else start
        while at < end:
            kept.append(at)
            at = bisect_left(instants, instants[at] + cooldown, at + 1, end)
    return pl.Series(kept, dtype=pl.UInt32)


def _close(found: pl.DataFrame, cooldown: int) -> pl.Series:
    """Which triggers come sooner than `cooldown` after the one before them in their group."""
    keys, instants, pairs = found["group_key"], found["at"], found.height - 1
    close = instants.slice(1) - instants.slice(0, pairs) < cooldown
    return _NO.slice(0, 1).append(close & (keys.slice(1) == keys.slice(0, pairs)))


_NO = pl.Series([False])


def runs(keys: pl.Series) -> Iterator[tuple[int, int, int]]:
    """Each key, of those that stand together, with the number of its first row and of the one after its last."""
    if keys[0] == keys[-1]:
        yield keys[0], 0, len(keys)
        return
    lengths = keys.rle().struct.unnest()
    start = 0
    for key, length in zip(lengths["value"].to_list(), lengths["len"].to_list(), strict=True):
        yield key, start, start + length
        start += length
