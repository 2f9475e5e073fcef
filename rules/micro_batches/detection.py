"""Incremental detection: a micro-batch and the memories in, what changes about the anomalies out.

The caller asks three questions in order. `arrivals` says what the batch brings to each rule and what has to be recalled
from the database; the caller recalls it; `detect` judges. Nothing here reads or writes anything, so the same steps
serve the live drain and the tests, and a batch that fails half-way is simply judged again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import polars as pl

from rules.alerting.spans import Spans
from rules.evaluation import select_all
from rules.micro_batches.arrival import Arrival, arrive
from rules.micro_batches.held_against import with_lateness
from rules.micro_batches.judging import (
    Horizons,
    Judged,
    Outcome,
    Recalled,
    Watched,
    concluded,
    judge_rule,
    watermark_is_due,
)
from rules.micro_batches.memory import NONE_REMEMBERED, Memory, add_anomalies, remembered
from rules.micro_batches.shared import Shared
from rules.reach import lists_groups, reach
from rules.rule import Rule
from rules.write_up import NO_ANOMALIES, write_up

__all__ = [
    "Findings",
    "Horizons",
    "Recalled",
    "Watched",
    "arrivals",
    "detect",
    "empty_memory",
    "looking_at",
]

_NOTHING_WATCHED = Watched()
# Fewer events than this are looked at one by one: a query would cost more than its work.
_MANY = 512


@dataclass(frozen=True)
class Findings:
    """What a micro-batch changes.

    `anomalies` are new or hold again (ANOMALY_SCHEMA plus `late`, a Boolean); `retracted` ids no longer hold; `faults`
    maps a rule to why it could not be judged; `memories` replaces the old ones; `touched` are the rules judged,
    `changed` those of them of which anything changes; `restated` (ANOMALY_SCHEMA) stand as before and say something
    else now, since a late event is among them; `limited` maps a rule that has come to have too many groups to a
    sentence about it; `spans` are those of the groups whose alerts this can change, where it was asked for.
    """

    anomalies: pl.DataFrame
    restated: pl.DataFrame
    retracted: list[str]
    too_late: int
    faults: dict[UUID, str]
    memories: dict[UUID, Memory]
    touched: list[UUID] = field(default_factory=list)
    changed: list[UUID] = field(default_factory=list)
    limited: dict[UUID, str] = field(default_factory=dict)
    spans: dict[UUID, Spans] = field(default_factory=dict)


def arrivals(
    rules: Sequence[Rule],
    memories: Mapping[UUID, Memory],
    events: pl.DataFrame,
    horizons: Horizons,
    accepted: Mapping[UUID, datetime | None] | None = None,
) -> list[Arrival]:
    """What new events (with their fields) bring to each rule that looks at any of them.

    `accepted` is, for each rule, its newest event that came before through the same stream; without it, the newest that
    is remembered.
    """
    if accepted is None:
        accepted = {rule_id: memory.newest for rule_id, memory in memories.items()}
    rules = looking_at(rules, events)
    selected, shared = select_all(rules, events), Shared()
    return [
        arrive(rule, memories[rule.rule_id], rows, horizons.correct, accepted.get(rule.rule_id), shared)
        for rule in rules
        if not (rows := selected[rule.rule_id]).is_empty()
    ]


def looking_at(rules: Sequence[Rule], events: pl.DataFrame) -> list[Rule]:
    """The rules that can look at any of these events: what others want of them need not be read."""
    column = events["event_type"]
    types = set((column.unique() if len(column) > _MANY else column).to_list())
    return [rule for rule in rules if _looks_at_any(rule, types)]


def _looks_at_any(rule: Rule, types: set[str]) -> bool:
    """Whether a rule can look at events of these types, found out without looking at them. Rules that list groups have
    them marked in every batch."""
    wanted = reach(rule).event_types
    return wanted is None or not types.isdisjoint(wanted) or lists_groups(rule)


def detect(
    rules: Sequence[Rule],
    memories: Mapping[UUID, Memory],
    arrived: Sequence[Arrival],
    recalled: Mapping[UUID, Recalled],
    watermark: datetime,
    horizons: Horizons,
    watched: Mapping[UUID, Watched] | None = None,
) -> Findings:
    """Judge what arrived, and what the watermark's advance alone has made true, rule by rule. With `watched`, by rule,
    spans are told too.

    A rule that fails is reported in `faults` and holds up no other. It keeps its old memory, which must be rebuilt.
    """
    by_rule = {arrival.rule.rule_id: arrival for arrival in arrived}
    faults: dict[UUID, str] = {}
    judged: dict[UUID, Judged] = {}
    shared = Shared()
    for rule in rules:
        rule_id, memory = rule.rule_id, memories[rule.rule_id]
        arrival = by_rule.get(rule_id)
        if arrival is None and not watermark_is_due(rule, memory, watermark, horizons):
            continue
        try:
            judged[rule_id] = judge_rule(rule, memory, arrival, recalled.get(rule_id), watermark, horizons, shared)
        except Exception as fault:  # a rule may fail in ways nobody foresaw; it must not stop others or persistence
            faults[rule_id] = _sentence(fault)
    holding = _written_up(judged, faults)
    outcomes: dict[UUID, Outcome] = {}
    for rule_id, holds in holding.items():
        alerts = None if watched is None else watched.get(rule_id, _NOTHING_WATCHED)
        try:
            outcomes[rule_id] = concluded(judged[rule_id], holds, horizons, alerts)
        except Exception as fault:
            faults[rule_id] = _sentence(fault)
    return _findings(memories, arrived, outcomes, faults)


def _written_up(judged: Mapping[UUID, Judged], faults: dict[UUID, str]) -> dict[UUID, pl.DataFrame]:
    """The anomalies that hold now, by rule: written up in one go; where that fails, one by one, to see whose fault it
    is."""
    cases = {rule_id: one.case for rule_id, one in judged.items() if one.case is not None}
    try:
        written = dict(zip(cases, write_up(list(cases.values())), strict=True))
    except Exception:
        written = {}
        for rule_id, case in cases.items():
            try:
                written[rule_id] = write_up([case])[0]
            except Exception as fault:
                faults[rule_id] = _sentence(fault)
    return {rule_id: written.get(rule_id, NO_ANOMALIES) for rule_id in judged if rule_id not in faults}


def _findings(
    memories: Mapping[UUID, Memory],
    arrived: Iterable[Arrival],
    outcomes: Mapping[UUID, Outcome],
    faults: dict[UUID, str],
) -> Findings:
    found = _together(NO_ANOMALIES, (one.found for one in outcomes.values()))
    known_through = [(one.known_through, one.found.height) for one in outcomes.values()]
    restated = _together(NO_ANOMALIES, (one.restated for one in outcomes.values()))
    # An event counts once, however many rules it came too late for.
    too_late = [arrival.too_late for arrival in arrived if not arrival.too_late.is_empty()]
    return Findings(
        with_lateness(found, known_through),
        restated,
        [anomaly_id for one in outcomes.values() for anomaly_id in one.retracted],
        pl.concat(too_late).n_unique() if too_late else 0,
        faults,
        {**memories, **_remembering(outcomes, found, restated)},
        touched=list(outcomes),
        changed=[rule_id for rule_id, one in outcomes.items() if one.changes_anything],
        limited={rule_id: one.limited for rule_id, one in outcomes.items() if one.limited is not None},
        spans={rule_id: one.spans for rule_id, one in outcomes.items() if one.spans is not None},
    )


def _together(nothing: pl.DataFrame, parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    some = [part for part in parts if not part.is_empty()]
    return pl.concat(some, rechunk=True) if some else nothing


def _remembering(outcomes: Mapping[UUID, Outcome], found: pl.DataFrame, restated: pl.DataFrame) -> dict[UUID, Memory]:
    """The memories with what was found and restated in them. Both are given as one frame, in the order of the outcomes,
    so that what all of it says is looked at in one go."""
    found, restated = remembered(found), remembered(restated)
    memories, new, anew = {}, 0, 0
    for rule_id, one in outcomes.items():
        memories[rule_id] = one.memory
        if one.changes_anything:
            parts = found.slice(new, one.found.height), restated.slice(anew, one.restated.height)
            memories[rule_id] = add_anomalies(one.memory, *parts, one.retracted)
            new, anew = new + one.found.height, anew + one.restated.height
    return memories


def _sentence(fault: Exception) -> str:
    return f"{type(fault).__name__}: {fault}"


def empty_memory(rows: pl.DataFrame, floor: datetime) -> Memory:
    """A memory that knows there is nothing from `floor` on; `rows` gives the columns."""
    return Memory(floor=floor, rows=rows.clear(), anomalies=NONE_REMEMBERED)
