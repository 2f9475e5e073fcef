"""Incremental detection: a micro-batch and the memories in, what changes about the anomalies out.

The caller asks three questions in order. `arrivals` says what the batch brings to each rule and what has to be recalled
from the database; the caller recalls it; `detect` judges. Nothing here reads or writes anything, so the same steps
serve the live drain and the tests, and a batch that fails half-way is simply judged again.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import polars as pl

from rules.alerting.spans import Spans, spans_since
from rules.arrival import SCOPE, Arrival, arrive
from rules.evaluation import FOREVER, carry, judge, look_back, moves_without_events, select_all
from rules.held_against import compared, last_fired, with_lateness
from rules.limit import within_limit
from rules.memory import REMEMBERED_ANOMALY, Memory, add_anomalies, add_rows, earlier, remembered, trim
from rules.reach import reach
from rules.rule import Rule
from rules.window import instant_of
from rules.write_up import NO_ANOMALIES

#: Rules that look back for ever are judged on what `carry` leaves of their rows, where that can be less.
_FEW_ROWS = 256


@dataclass(frozen=True)
class Horizons:
    """How long things matter, in event time. `hot` is what memories keep beyond what the rules look back."""

    lateness: timedelta
    correct: timedelta
    hot: timedelta
    watermark_step: timedelta = timedelta(seconds=1)


@dataclass(frozen=True)
class Recalled:
    """What the database remembers of a rule's forgotten groups: rows in the shape of `select_rows`, and the current
    anomalies (REMEMBERED_ANOMALY) from `look_back` or the cooldown before the earliest `since` on."""

    rows: pl.DataFrame
    anomalies: pl.DataFrame


@dataclass(frozen=True)
class Watched:
    """What is known of a rule's alerts: the groups of those that go on, and when the last of the others ended."""

    open_groups: Set[str] = frozenset()
    ended_through: datetime | None = None


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
    selected = select_all(rules, events)
    return [
        arrive(rule, memories[rule.rule_id], selected[rule.rule_id], horizons.correct, accepted.get(rule.rule_id))
        for rule in rules
        if rule.rule_id in selected and not selected[rule.rule_id].is_empty()
    ]


def looking_at(rules: Sequence[Rule], events: pl.DataFrame) -> list[Rule]:
    """The rules that can look at any of these events: what others want of them need not be read."""
    types = set(events["event_type"].to_list())
    return [rule for rule in rules if _looks_at_any(rule, types)]


def _looks_at_any(rule: Rule, types: set[str]) -> bool:
    """Whether a rule can look at events of these types, found out without looking at them. Rules that list groups have
    them marked in every batch."""
    wanted = reach(rule).event_types
    return wanted is None or not types.isdisjoint(wanted) or _lists_groups(rule)


def _lists_groups(rule: Rule) -> bool:
    return bool(rule.known_groups) or any(map(_lists_groups, rule.members))


def recall_after(arrival: Arrival) -> datetime:
    """Rows with a later timestamp than this suffice to judge the forgotten groups of an arrival."""
    return earlier(arrival.forgotten["since"].min(), look_back(arrival.rule))  # type: ignore[arg-type]


def anomalies_from(arrival: Arrival) -> datetime:
    """Current anomalies of the forgotten groups from this instant on are needed too: they may fall, or cool down."""
    cooldown = timedelta(seconds=arrival.rule.cooldown_seconds)
    return earlier(arrival.forgotten["since"].min(), cooldown)  # type: ignore[arg-type]


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
    found: list[pl.DataFrame] = []
    restated: list[pl.DataFrame] = [NO_ANOMALIES]
    retracted: list[str] = []
    faults: dict[UUID, str] = {}
    outcomes: dict[UUID, _Outcome] = {}
    touched: list[UUID] = []
    changed: list[UUID] = []
    limited: dict[UUID, str] = {}
    spans: dict[UUID, Spans] = {}
    for rule in rules:
        alerts = None if watched is None else watched.get(rule.rule_id, _NOTHING_WATCHED)
        arrival = by_rule.get(rule.rule_id)
        memory = memories[rule.rule_id]
        if arrival is None and not _watermark_is_due(rule, memory, watermark, horizons):
            continue
        try:
            outcome = _judge_rule(rule, memory, arrival, recalled.get(rule.rule_id), watermark, horizons, alerts)
        except (
            Exception
        ) as fault:  # a rule may fail in ways nobody foresaw; it must not stop persistence or other rules
            faults[rule.rule_id] = f"{type(fault).__name__}: {fault}"
            continue
        touched.append(rule.rule_id)
        outcomes[rule.rule_id] = outcome
        if outcome.limited is not None:
            limited[rule.rule_id] = outcome.limited
        retracted += outcome.retracted
        if outcome.retracted or not (outcome.found.is_empty() and outcome.restated.is_empty()):
            changed.append(rule.rule_id)
        if not outcome.found.is_empty():
            found.append(outcome.found)
        if not outcome.restated.is_empty():
            restated.append(outcome.restated)
        if outcome.spans is not None:
            spans[rule.rule_id] = outcome.spans
    anomalies = pl.concat(found) if found else _NONE_FOUND
    # An event counts once, however many rules it came too late for.
    too_late = pl.concat([arrival.too_late for arrival in arrived]).n_unique() if arrived else 0
    said_anew = pl.concat(restated)
    new_memories = {**memories, **_remembering(outcomes, anomalies, said_anew)}
    return Findings(anomalies, said_anew, retracted, too_late, faults, new_memories, touched, changed, limited, spans)


@dataclass(frozen=True)
class _Outcome:
    found: pl.DataFrame
    restated: pl.DataFrame
    retracted: list[str]
    memory: Memory
    limited: str | None
    spans: Spans | None


def _remembering(outcomes: Mapping[UUID, _Outcome], found: pl.DataFrame, restated: pl.DataFrame) -> dict[UUID, Memory]:
    """The memories with what was found and restated in them. Both are given as one frame, in the order of the outcomes,
    so that what all of it says is looked at in one go."""
    found, restated = remembered(found), remembered(restated)
    memories = {}
    for rule_id, outcome in outcomes.items():
        memories[rule_id] = outcome.memory
        new, other = outcome.found.height, outcome.restated.height
        if new or other or outcome.retracted:
            parts = found.slice(0, new), restated.slice(0, other)
            memories[rule_id] = add_anomalies(outcome.memory, *parts, outcome.retracted)
            found, restated = found.slice(new), restated.slice(other)
    return memories


def _judge_rule(
    rule: Rule,
    memory: Memory,
    arrival: Arrival | None,
    recalled: Recalled | None,
    watermark: datetime,
    horizons: Horizons,
    alerts: Watched | None,
) -> _Outcome:
    before = memory.newest
    if arrival is not None:
        memory = add_rows(memory, arrival.rows, arrival.newest)
    until = None
    scope = arrival.scope if arrival is not None else SCOPE.to_frame()
    if moves_without_events(rule):
        until = max(filter(None, (watermark, memory.judged_through)))
        if _watermark_is_due(rule, memory, watermark, horizons):
            scope = _with_every_group(scope, memory)
            memory = replace(memory, judged_through=until)
        else:  # the other groups can wait; those touched are judged from where all of them will be
            scope = _since_at_most(scope, memory.judged_through)
    rows, anomalies = memory.rows, memory.anomalies
    if arrival is not None and not arrival.forgotten.is_empty():
        if recalled is None:
            raise LookupError("the history of late groups was not recalled")
        rows = _instead(rows, recalled.rows, arrival.forgotten, "group_key")
        anomalies = _instead(anomalies, recalled.anomalies, arrival.forgotten, "group")
    relevant = _relevant(rule, rows, scope)
    holds = judge(
        rule,
        relevant,
        since=scope.select("group_key", "since"),
        fired=last_fired(scope, anomalies),
        until=until,
    )
    found, restated, gone = compared(holds, anomalies, scope)
    spans = None
    if alerts is not None:
        changed = set(_touched(alerts, arrival))
        if gone or not (found.is_empty() and restated.is_empty()):
            fallen = anomalies.filter(pl.col("anomaly_id").is_in(gone))["group"]
            changed.update(found["group"], restated["group"], fallen)
        if changed:
            spans = spans_since(rule, relevant, scope.filter(pl.col("group").is_in(list(changed))), holds)
    memory = trim(rule, memory, horizons.hot)
    memory, limited = within_limit(rule, memory, 0 if arrival is None else arrival.scope.height)
    known_through = None if before is None else earlier(before, horizons.lateness)
    return _Outcome(with_lateness(found, known_through), restated, gone, memory, limited, spans)


def _touched(alerts: Watched, arrival: Arrival | None) -> list[str]:
    """The groups that something arrived for and that have an alert there, or may have: one that has not ended, or one
    that was over by a later instant than what arrived."""
    if arrival is None or not (alerts.open_groups or alerts.ended_through):
        return []
    scope = arrival.scope
    touched = [group for group in scope["group"] if group in alerts.open_groups] if alerts.open_groups else []
    if alerts.ended_through is not None:
        touched.extend(scope.filter(pl.col("since") <= alerts.ended_through)["group"])
    return touched


def _since_at_most(scope: pl.DataFrame, instant: datetime | None) -> pl.DataFrame:
    if instant is None or scope.is_empty() or scope["since"].max() <= instant:  # type: ignore[operator]
        return scope
    return scope.with_columns(scope["since"].clip(upper_bound=instant))


def _watermark_is_due(rule: Rule, memory: Memory, watermark: datetime, horizons: Horizons) -> bool:
    if not moves_without_events(rule) or memory.rows.is_empty():
        return False
    return memory.judged_through is None or watermark - memory.judged_through >= horizons.watermark_step


def _with_every_group(scope: pl.DataFrame, memory: Memory) -> pl.DataFrame:
    """Add the groups of the memory that nothing arrived for: they are judged from where the last watermark stood."""
    since = memory.judged_through or memory.floor
    waiting = memory.rows.select("group", "group_key").unique("group_key").with_columns(since=pl.lit(since))
    both = pl.concat([scope, waiting.cast(SCOPE)])
    return both.group_by("group_key").agg(pl.col("group").first(), pl.col("since").min()).select(SCOPE.names())


def _instead(known: pl.DataFrame, recalled: pl.DataFrame, forgotten: pl.DataFrame, key: str) -> pl.DataFrame:
    """For forgotten groups, what was recalled replaces what is known. It includes the new rows: they are stored."""
    kept = known.join(forgotten.select(key), on=key, how="anti")
    return pl.concat([kept, recalled.select(known.columns).join(forgotten.select(key), on=key, how="semi")])


def _relevant(rule: Rule, rows: pl.DataFrame, scope: pl.DataFrame) -> pl.DataFrame:
    """The rows of the scope's groups that can matter, in the order in which `judge` wants them."""
    if scope.is_empty():
        return rows.clear()
    since: datetime = scope["since"].min()  # type: ignore[assignment]
    span = look_back(rule)
    if span == FOREVER:
        recent = rows
    elif rule.has_one_group:
        return rows.slice(bisect_right(rows["timestamp"].cast(pl.Int64), instant_of(earlier(since, span))))
    else:
        recent = rows.filter(rows["timestamp"] > earlier(since, span))
    if rule.group_by:
        recent = recent.filter(recent["group_key"].is_in(scope["group_key"].implode()))
    if span == FOREVER and recent.height > _FEW_ROWS:
        return carry(rule, recent, since)
    return recent.sort("group_key", "timestamp", "position", "event_id")


_NONE_FOUND = NO_ANOMALIES.with_columns(late=pl.lit(False))
_NOTHING_WATCHED = Watched()


def empty_memory(rows: pl.DataFrame, floor: datetime) -> Memory:
    """A memory that knows there is nothing from `floor` on; `rows` gives the columns."""
    return Memory(floor=floor, rows=rows.clear(), anomalies=REMEMBERED_ANOMALY.to_frame())
