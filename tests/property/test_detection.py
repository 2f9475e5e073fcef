"""Whatever the order of arrival, the batch cuts and what is forgotten: the current anomalies are those of one
evaluation."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch
from uuid import UUID

import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from eventpulse.event import UTC_MICROSECONDS
from rules.evaluation import FIRED, evaluate_whole, far_rows, judge, near, paths_of, select_rows
from rules.fields import with_fields
from rules.micro_batches.arrival import Arrival
from rules.micro_batches.detection import (
    Horizons,
    Recalled,
    arrivals,
    detect,
    empty_memory,
)
from rules.micro_batches.memory import Memory, add_past, remembered
from rules.micro_batches.recalling import anomalies_from, lacking
from rules.rule import Rule, read_rule
from rules.selection import ROW_ORDER
from tests.reference.agreement import EPOCH, START, Event, documents, events, filters, frame, instants, rules

END = EPOCH + timedelta(days=30_000)
fewer = settings(max_examples=settings.default.max_examples // 5)
spans = st.sampled_from([1, 2, 3, 5])
limits = {"operator": st.sampled_from([">", ">=", "<", "<=", "==", "!="]), "value": st.sampled_from([0.0, 1.0, 2.0])}
of_a_field = {"field": st.just("payload.v")}
conditions = {
    "match": {},
    "threshold": {"metric": st.just("count"), **limits},
    "threshold of a field": {
        "metric": st.sampled_from(["sum", "avg", "max", "distinct", "p50"]),
        **of_a_field,
        **limits,
    },
    "change": {"metric": st.sampled_from(["count", "sum"]), **of_a_field, **limits, "offset_seconds": spans},
    "absence": {"remember_seconds": spans},
    "absence of listed groups": {"groups": st.just([{}])},
    "new_value": {**of_a_field, "lookback_seconds": spans, "learn_seconds": spans},
    "transition": of_a_field,
    "deviation": {"bucket_seconds": st.sampled_from([1, 2]), "baseline_buckets": st.sampled_from([2, 3])},
    "sequence": {"absent": st.booleans()},
    "composite": {},
}


@st.composite
def rules_of(draw: st.DrawFn, name: str) -> Rule:
    kind = name.split(" ")[0]
    if kind == "composite":
        members = [replace(draw(rules_of(one)), name=key) for one, key in (("threshold", "a"), ("absence", "b"))]
        text = draw(st.sampled_from(["a and not b", "a or b", "not a"]))
        rule = draw(rules(st.just({"type": "composite", "expression": text})))
        return replace(rule, group_by=(), members=tuple(members[: len(rule.condition.names)]))
    parts = draw(st.fixed_dictionaries(conditions[name]))
    if kind == "sequence":
        steps = [{"name": name, "filters": {"event_type": name}} for name in ("login", "logout")]
        return draw(rules(st.just({"type": kind, "steps": [steps[0], {**steps[1], **parts}]})))
    if parts.get("metric") == "count":
        parts.pop("field", None)
    document = draw(documents(st.fixed_dictionaries({"type": st.just(kind), "filters": filters})))
    ungrouped = {"group_by": []} if "groups" in parts else {}
    return read_rule({**document, **ungrouped, "condition": {**document["condition"], **parts}})


@st.composite
def streams(draw: st.DrawFn) -> list[list[Event]]:
    """Events in an order of arrival that is none of time, in batches."""
    arriving = [replace(event, position=place) for place, event in enumerate(draw(events()))]
    cuts = sorted(draw(st.lists(st.integers(0, len(arriving)), max_size=6)))
    return [arriving[a:b] for a, b in zip([0, *cuts], [*cuts, len(arriving)], strict=True)]


@pytest.mark.parametrize("name", conditions)
@given(st.data())
def test_detection_over_batches_gives_what_one_evaluation_gives(name: str, data: st.DataObject) -> None:
    rule, batches = data.draw(rules_of(name)), data.draw(streams())
    hot, lateness, step = (timedelta(seconds=data.draw(st.sampled_from([0, 1, 4, 30]))) for _ in range(3))

    with patch("rules.micro_batches.memory._FEWEST_ROWS_TO_TRIM", 0), patch("rules.micro_batches.judging._FEW_ROWS", 0):
        standing = detected([rule], batches, Horizons(lateness, timedelta(days=1), hot, step))

    whole = evaluate_whole(rule, frame([event for batch in batches for event in batch]), END)
    assert said(standing) == said(whole)


@fewer
@given(st.data())
def test_rules_that_are_judged_together_find_what_each_finds_alone(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from([*conditions]), min_size=2, max_size=5))
    drawn = [data.draw(rules_of(name)) for name in names]
    together = [replace(rule, rule_id=UUID(int=number)) for number, rule in enumerate([*drawn, *drawn])]
    batches, hot = data.draw(streams()), timedelta(seconds=data.draw(st.sampled_from([0, 4, 30])))

    with patch("rules.micro_batches.memory._FEWEST_ROWS_TO_TRIM", 0), patch("rules.micro_batches.judging._FEW_ROWS", 0):
        standing = detected(together, batches, Horizons(timedelta(0), timedelta(days=1), hot))

    whole = frame([event for batch in batches for event in batch])
    alone = pl.concat([evaluate_whole(rule, whole, END) for rule in together])
    assert said(standing) == said(alone)


@pytest.mark.parametrize("name", conditions)
@fewer
@given(st.data())
def test_events_that_are_put_into_the_past_are_judged_on_like_those_that_were_there(
    name: str, data: st.DataObject
) -> None:
    rule = data.draw(rules_of(name))
    listed = [replace(event, position=place) for place, event in enumerate(data.draw(events()))]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(listed)), max_size=3)))
    at = EPOCH + timedelta(microseconds=data.draw(instants))
    memory = empty_memory(rows_of(rule, []), at)

    for first, end in zip([0, *cuts], [*cuts, len(listed)], strict=True):
        memory = add_past(rule, memory, rows_of(rule, listed[first:end]), timedelta(), counts=False)

    rows, kept = rows_of(rule, listed).sort(ROW_ORDER), memory.rows.sort(ROW_ORDER)
    since = rows.select(pl.col("group_key").unique()).with_columns(since=pl.lit(at, UTC_MICROSECONDS))
    never = FIRED.to_frame()
    assert said(judge(rule, kept, since=since, fired=never, until=END)) == said(
        judge(rule, rows, since=since, fired=never, until=END)
    )


@pytest.mark.parametrize("name", ["deviation", "new_value", "transition"])
@fewer
@given(st.data())
def test_the_far_row_of_each_group_and_what_lies_near_suffice(name: str, data: st.DataObject) -> None:
    rule = data.draw(rules_of(name))
    rows = rows_of(rule, [replace(event, position=place) for place, event in enumerate(data.draw(events()))])
    at = EPOCH + timedelta(microseconds=data.draw(instants))
    span = near(rule)
    assert span is not None

    kept = pl.concat([far_rows(rule, rows, at - span), rows.filter(pl.col("timestamp") > at - span)])

    since = rows.select(pl.col("group_key").unique()).with_columns(since=pl.lit(at, UTC_MICROSECONDS))
    found, whole = (
        judge(rule, each.sort(ROW_ORDER), since=since, fired=FIRED.to_frame(), until=END) for each in (kept, rows)
    )
    assert said(found) == said(whole)


def detected(rules: list[Rule], batches: list[list[Event]], horizons: Horizons) -> pl.DataFrame:
    """The anomalies that stand after all batches, each judged with what is remembered, or recalled where it is
    forgotten."""
    stored: list[Event] = []
    floor = EPOCH + timedelta(microseconds=START) - timedelta(days=1)
    memories = {rule.rule_id: empty_memory(rows_of(rule, []), floor) for rule in rules}
    standing = evaluate_whole(rules[0], frame([]))
    newest = floor
    for batch in [*batches, []]:
        stored += batch
        newest = max([newest, *(EPOCH + timedelta(microseconds=event.at) for event in batch)])
        arrived = arrivals(rules, memories, with_fields(frame(batch), paths_of(rules)), horizons)
        recalled = {arrival.rule.rule_id: recall(arrival, memories, stored, standing) for arrival in arrived}
        last = not batch and len(stored) == sum(map(len, batches))
        watermark = END if last else newest - horizons.lateness
        found = detect(rules, memories, arrived, recalled, watermark, horizons)
        assert not found.faults
        gone = [*found.retracted, *found.restated["anomaly_id"], *found.anomalies["anomaly_id"]]
        standing = standing.filter(~pl.col("anomaly_id").is_in(gone))
        standing = pl.concat([standing, found.anomalies.drop("late"), found.restated])
        memories = found.memories
    return standing


def recall(arrival: Arrival, memories: Mapping[UUID, Memory], stored: list[Event], standing: pl.DataFrame) -> Recalled:
    """What the database would give for the groups that are forgotten."""
    rule = arrival.rule
    if arrival.forgotten.is_empty():
        return Recalled(rows_of(rule, []), remembered(standing.clear()))
    lacks, rows = lacking(arrival, memories[rule.rule_id]), rows_of(rule, stored)
    read = [lacks.known, rows.filter(pl.col("timestamp") > lacks.after)]
    if lacks.searched:
        read.append(far_rows(rule, rows.filter(pl.col("group").is_in(list(lacks.searched))), lacks.after))
    of_rule = standing.filter(pl.col("rule_id") == str(rule.rule_id))
    return Recalled(pl.concat(read), remembered(of_rule).filter(pl.col("occurred_at") >= anomalies_from(arrival)))


def rows_of(rule: Rule, listed: list[Event]) -> pl.DataFrame:
    return select_rows(rule, with_fields(frame(listed), paths_of([rule]))).sort("timestamp", "position", "event_id")


def said(anomalies: pl.DataFrame) -> list[str]:
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in anomalies.to_dicts())
