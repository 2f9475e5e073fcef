"""Spans: the stretches of event time in which a rule's condition holds for a group, and which anomalies lie in each.

A span is a true interval of the rule, for_seconds and keep_firing_seconds included: it begins with the moment at which
the truth begins and ends with the first moment at which it is over. A condition that is true at single events only has
no end of its own. Its span goes on for `quiet` after each event at which it is true, and events closer together than
that are in one span. Cooldowns play no part: they thin anomalies out, not the truth.

Spans are a function of the rule's rows alone, whatever batches those came in. The end of the last one is what will have
been its end if nothing more comes.
"""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from eventpulse.anomaly import ANOMALY_SCHEMA
from eventpulse.event import UTC_MICROSECONDS
from rules.episode import lasting_truth
from rules.evaluation import look_back
from rules.kinds import KINDS
from rules.rule import Rule
from rules.window import A_MOMENT, FOREVER, instant_of, microseconds

#: One line for each group that was looked at: all of its spans that end at `since` or later are known.
LOOKED_AT = pl.Schema({"group": pl.String(), "since": UTC_MICROSECONDS})
#: One span: `began_before` tells that it holds from before `since`; `end` is null where it goes on for ever. Times are
#: microseconds since 1970. Spans without anomalies are left out, except the first one of a group.
SPAN = pl.Schema(
    {"group": pl.String(), "number": pl.Int64(), "start": pl.Int64(), "end": pl.Int64(), "began_before": pl.Boolean()}
)
#: The anomalies from `since` on with the number of their span, in the order in which they came about.
MEMBER = pl.Schema(
    {
        "number": pl.Int64(),
        **{
            name: ANOMALY_SCHEMA[name]
            for name in (
                *("anomaly_id", "group", "group_key", "occurred_at", "severity", "rule_version"),
                *("message", "value", "threshold", "expected"),
            )
        },
    }
)
_PLACE = ("group_key", "at", "by_event", "position", "event_id", "after")
_NEVER = 2**62
_BEGINS = (pl.col("group_key") != pl.col("group_key").shift(1)).fill_null(True)


@dataclass(frozen=True)
class Spans:
    """The spans of some groups of one rule (LOOKED_AT, SPAN), and the anomalies in them (MEMBER)."""

    looked_at: pl.DataFrame
    spans: pl.DataFrame
    members: pl.DataFrame


def quiet(rule: Rule) -> int | None:
    """For how long, in microseconds, a span goes on after an event at which the condition is true at an instant only;
    None where the condition ends by itself."""
    if KINDS[rule.condition.type].lasts(rule):
        return None
    return max(rule.window_seconds, rule.cooldown_seconds, rule.keep_firing_seconds) * 1_000_000


def spans_since(rule: Rule, rows: pl.DataFrame, scope: pl.DataFrame, anomalies: pl.DataFrame) -> Spans:
    """The spans of the groups in `scope` (group, group_key, since), and where their anomalies lie in them.

    `rows` are those that `judge` needs for the same instants, in its order; `anomalies` (ANOMALY_SCHEMA) all that stand
    of these groups from their since on.
    """
    asked = scope.select("group", "group_key", asked_from=pl.col("since").cast(pl.Int64))
    moments = _moments(rule, rows.filter(rows["group_key"].is_in(asked["group_key"].implode())), asked)
    found = anomalies.join(asked, on="group", suffix="_here")
    placed = found.select(
        group_key="group_key_here",
        at=pl.col("occurred_at").cast(pl.Int64),
        by_event=pl.col("event_id").is_not_null(),
        position="position",
        event_id="event_id",
        after=pl.lit(False),
        number=pl.lit(None, pl.Int64),
        anomaly=pl.int_range(pl.len(), dtype=pl.Int64),
    )
    together = pl.concat([moments.select(*_PLACE, "number", anomaly=pl.lit(None, pl.Int64)), placed])
    together = together.sort(*_PLACE, "anomaly", nulls_last=False, maintain_order=True)
    last = pl.when(_BEGINS).then(pl.col("number").fill_null(0)).otherwise("number").forward_fill()
    together = together.with_columns(number=last).filter(pl.col("anomaly").is_not_null())
    number, still = together["number"], quiet(rule)
    if still is None and number.min() == 0:
        raise LookupError("an anomaly lies where the condition does not hold")
    members = found[together["anomaly"]].with_columns(number=number).select(MEMBER.names())
    spans = _spans(moments, asked, members, still)
    if still is not None and number.min() == 0:
        spans = pl.concat([_from_before(members, asked, still), spans]).sort("group", "number")
    return Spans(scope.select(LOOKED_AT.names()), spans, members)


def part_of(told: Spans, start: datetime, end: datetime, anomalies: pl.Series) -> Spans:
    """What there is to tell of the part of a stretch from `start` to before `end`, in which some anomalies lie.

    The ends of spans stay what they are by all that is known of the stretch.
    """
    at = instant_of(start)
    known = told.spans.join(told.looked_at, on="group")
    since = pl.max_horizontal(pl.col("since").cast(pl.Int64), pl.lit(at))
    spans = known.filter((pl.col("start") < instant_of(end)) & (pl.col("end").fill_null(_NEVER) >= since)).with_columns(
        began_before=pl.col("began_before") & (pl.col("since").cast(pl.Int64) >= at) | (pl.col("start") < since)
    )
    looked_at = told.looked_at.with_columns(since=pl.max_horizontal("since", pl.lit(start, UTC_MICROSECONDS)))
    looked_at = looked_at.filter(pl.col("since") < end)
    members = told.members.filter(pl.col("anomaly_id").is_in(anomalies.implode()))
    return Spans(looked_at, spans.select(SPAN.names()), members)


def true_before(rule: Rule, rows: pl.DataFrame, from_on: int, before: int) -> int | None:
    """The last instant in a stretch at which a condition was true that is true at single events only."""
    moments = KINDS[rule.condition.type].truth(rule, rows, from_on, None)
    last = moments.filter(pl.col("true") & (pl.col("at") < before))["at"].max()
    return last if isinstance(last, int) else None


def _moments(rule: Rule, rows: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """The moments of the truth in their order, each with the number of the span that it lies in or ends."""
    kind, still, silent = KINDS[rule.condition.type], quiet(rule), _true_in_silence(rule, rows, asked)
    if rows.is_empty() and silent.is_empty():
        return _NO_MOMENTS
    earliest: int = asked["asked_from"].min()  # type: ignore[assignment]
    if still is None:
        held, kept = rule.for_seconds * 1_000_000, rule.keep_firing_seconds * 1_000_000
        moments = silent
        if not rows.is_empty():
            moments = kind.truth(rule, rows, earliest - held - kept - microseconds(A_MOMENT), None)
            moments = pl.concat([silent, lasting_truth(moments, held, kept, True)])
        event = pl.Series(moments["row"]).zip_with(moments["follows"].is_null(), moments["follows"])
    else:
        moments = kind.truth(rule, rows, earliest, None).filter("true")
        moments = moments.join(asked.select("group_key", "asked_from"), on="group_key", maintain_order="left")
        moments = moments.filter(pl.col("at") >= pl.col("asked_from"))
        event = moments["row"]
    placed = moments.select(
        "group_key",
        "at",
        by_event=event.is_not_null(),
        position=rows["position"].gather(event),
        event_id=rows["event_id"].gather(event),
        after=pl.col("follows").is_not_null() if still is None else pl.lit(False),
        true="true",
    ).sort(_PLACE, maintain_order=True)
    if still is None:
        goes_on = pl.col("true").shift(1).fill_null(False) & ~_BEGINS
    else:
        goes_on = (pl.col("at") - pl.col("at").shift(1) <= still).fill_null(False) & ~_BEGINS
    begun = pl.col("true") & ~goes_on
    so_far = begun.cast(pl.Int64).cum_sum()
    before_group = pl.when(_BEGINS).then(so_far - begun.cast(pl.Int64)).forward_fill()
    return placed.with_columns(number=so_far - before_group)


def _true_in_silence(rule: Rule, rows: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """A true moment right before `since` for each group of which there are no earlier rows, where silence is what the
    condition asks for: it holds until the first row says otherwise. A group that begins with that row has no alert
    that could go on, so nothing follows from it there."""
    kind = KINDS[rule.condition.type]
    if not kind.lasts(rule) or not kind.true_without_rows(rule) or look_back(rule) == FOREVER:
        return _NO_SILENCE
    begun = rows.group_by("group_key").agg(begun=pl.col("timestamp").cast(pl.Int64).min())
    found = asked.join(begun, on="group_key", how="left")
    return found.filter((pl.col("begun") >= pl.col("asked_from")).fill_null(True)).select(
        "group_key",
        at=pl.col("asked_from") - 1,
        row=pl.lit(None, pl.UInt32),
        true=pl.lit(True),
        follows=pl.lit(None, pl.UInt32),
    )


_NO_SILENCE = pl.DataFrame(
    schema={"group_key": pl.UInt64, "at": pl.Int64, "row": pl.UInt32, "true": pl.Boolean, "follows": pl.UInt32}
)
_NO_MOMENTS = pl.DataFrame(
    schema={
        "group_key": pl.UInt64,
        "at": pl.Int64,
        "by_event": pl.Boolean,
        "position": pl.Int64,
        "event_id": pl.String,
        "after": pl.Boolean,
        "true": pl.Boolean,
        "number": pl.Int64,
    }
)


def _spans(moments: pl.DataFrame, asked: pl.DataFrame, members: pl.DataFrame, still: int | None) -> pl.DataFrame:
    end = pl.col("at").filter(~pl.col("true")).first() if still is None else pl.col("at").last() + still
    spans = (
        moments.filter(pl.col("number") > 0)
        .group_by("group_key", "number", maintain_order=True)
        .agg(start=pl.col("at").filter("true").first(), end=end)
        .join(asked, on="group_key", maintain_order="left")
        .filter(pl.col("end").fill_null(_NEVER) >= pl.col("asked_from"))
        .with_columns(began_before=pl.col("start") < pl.col("asked_from"))
    )
    first = pl.col("number") == pl.col("number").min().over("group")
    told = spans.join(members.select("group", "number").unique(), on=["group", "number"], how="semi")
    kept = pl.concat([spans.filter(first), told]).unique(["group", "number"], keep="first")
    return kept.sort("group", "number").select(SPAN.names())


def _from_before(members: pl.DataFrame, asked: pl.DataFrame, still: int) -> pl.DataFrame:
    """The spans, numbered 0, of anomalies that an event before `since` has brought about with keep_firing_seconds."""
    kept = members.filter(pl.col("number") == 0).join(asked.select("group", "asked_from"), on="group")
    return (
        kept.group_by("group")
        .agg(
            number=pl.lit(0, pl.Int64),
            start=pl.col("asked_from").first(),
            end=pl.col("occurred_at").cast(pl.Int64).max() + still,
            began_before=pl.lit(True),
        )
        .select(SPAN.names())
    )
