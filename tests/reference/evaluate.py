"""The rule language once more, as slowly and as plainly as it can be said: lists, loops and exact fractions.

Written from the rule language itself and sharing no code with `rules/`, so that the two can disagree. Nothing in here
is clever; where it is wrong, it is meant to be seen by reading.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: What `where` texts mean, as plain functions of an event; a test that uses a text puts it here.
WHERE: dict[str, Callable[[Event], bool | None]] = {}


@dataclass(frozen=True)
class Event:
    event_id: str
    event_type: str
    source: str
    at: int  # microseconds
    position: int
    payload: dict[str, Any] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.event_id)

    @property
    def order(self) -> tuple[int, int, str]:
        return self.at, self.position, self.event_id

    def value(self, path: str) -> Any:
        if path in ("source", "event_type", "event_id"):
            return getattr(self, path)
        found: Any = self.payload
        for key in path.split(".")[1:]:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def token(self, path: str) -> str | None:
        """The value as text, equal where the values are; 1 and 1.0 are."""
        value = self.value(path)
        if isinstance(value, float) and value == int(value) and abs(value) < 2**63:
            value = int(value)
        return None if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))

    def number(self, path: str) -> float | None:
        value = self.value(path)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


@dataclass(frozen=True)
class State:
    """What holds from an instant to the next state of the group. `event` is None where only time has moved."""

    at: int
    event: Event | None
    true: bool
    value: float | None = None
    threshold: float | None = None
    start: int = 0  # where the window begins
    events: tuple[Event, ...] = ()  # that contributed, oldest first
    grows: bool = False  # the value counts seconds
    end: int | None = None  # of the window, where it is not `at`
    shown_from: tuple[Event, ...] = ()  # where `events` are those of the window, whenever one looks
    follows: Event | None = None  # where the state begins right after an event, not with it
    settled_at: int | None = None  # when the watermark need not have come as far as `at`

    def at_later(self, at: int) -> State:
        """What holds a while later, with nothing having changed but the time."""
        later = at - self.at
        value = self.value + later / 1_000_000 if self.grows and self.value is not None else self.value
        start = self.start + later if self.end is None else self.start
        shown = tuple(one for one in self.shown_from if start < one.at <= at) if self.shown_from else self.events
        return replace(self, at=at, event=None, start=start, value=value, events=shown, follows=None)


@dataclass(frozen=True)
class Anomaly:
    at: int
    group: str
    event_id: str | None
    value: float | None
    threshold: float | None
    start: int
    end: int
    contributing: tuple[str, ...]
    contributing_count: int


def passes(filters: Any, event: Event) -> bool:
    """Whether an event passes a filter of a rule."""
    if filters.event_type and event.event_type not in filters.event_type:
        return False
    if filters.source and event.source not in filters.source:
        return False
    return filters.where is None or WHERE[filters.where](event) is True


def group_of(rule: Any, event: Event) -> str:
    values = {path: event.value(path) for path in rule.group_by}
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False)


def grouped(rule: Any, events: list[Event], wanted: Callable[[Event], bool]) -> dict[str, list[Event]]:
    """The events of each group, in their order."""
    groups: dict[str, list[Event]] = {}
    for event in sorted(events, key=lambda event: event.order):
        if wanted(event):
            groups.setdefault(group_of(rule, event), []).append(event)
    return groups


def seconds(number: int) -> int:
    return number * 1_000_000


def evaluate(rule: Any, events: list[Event], until: int | None = None) -> list[Anomaly]:
    """Every anomaly of the rule, in the order of instant and group, as far as the watermark `until` settles them."""
    from tests.reference.kinds import STATES

    found: list[Anomaly] = []
    for group, (states, lasting) in STATES[rule.condition.type](rule, events).items():
        triggers = triggers_of(rule, states, lasting)
        if until is not None:
            triggers = [state for state in triggers if settled(rule, state) <= until]
        found += [anomaly(group, state) for state in after_cooldown(triggers, seconds(rule.cooldown_seconds))]
    return sorted(found, key=lambda one: (one.at, one.group, one.event_id or ""))


def settled(rule: Any, state: State) -> int:
    """How far the watermark must have come before a state triggers."""
    return state.at if rule.for_seconds or state.settled_at is None else state.settled_at


def anomaly(group: str, state: State) -> Anomaly:
    return Anomaly(
        at=state.at,
        group=group,
        event_id=state.event.event_id if state.event else None,
        value=state.value,
        threshold=state.threshold,
        start=state.start,
        end=state.at if state.end is None else state.end,
        contributing=tuple(event.event_id for event in state.events[-20:]),
        contributing_count=len(state.events),
    )


@dataclass
class Interval:
    """Where a condition holds: from `start` until just before `end` (None: for ever). `states` are those inside."""

    start: int
    end: int | None
    states: list[State]
    begins_at: State | None  # the state in which an interval begins that has no event at its start


def triggers_of(rule: Any, states: list[State], lasting: bool) -> list[State]:
    """Rules 1 and 2 of "From conditions to anomalies": which states are trigger instants, cooldown aside.

    `lasting` says whether a true state lasts until the next state, or is over at once.
    """
    intervals = true_intervals(states, lasting)
    intervals = [moved for interval in intervals if (moved := held(interval, seconds(rule.for_seconds)))]
    kept = seconds(rule.keep_firing_seconds)
    triggers: list[State] = []
    for number, interval in enumerate(intervals):
        before = intervals[:number]
        touched = kept > 0 and any(one.end is None or one.end + kept >= interval.start for one in before)
        if interval.begins_at is not None and not touched:
            triggers.append(interval.begins_at)
        triggers += [state for state in interval.states if state.event is not None]
    order = {id(state): place for place, state in enumerate(states)}
    inside = {id(state) for state in triggers}
    for state in states:
        if state.event is None or id(state) in inside:
            continue
        for interval in intervals:
            over = interval.end is not None and interval.end <= state.at < interval.end + kept
            if over and (not interval.states or order[id(interval.states[0])] < order[id(state)]):
                triggers.append(state)
                break
    return sorted(triggers, key=lambda state: (state.at, order.get(id(state), -1)))


def true_intervals(states: list[State], lasting: bool) -> list[Interval]:
    intervals: list[Interval] = []
    open_interval: Interval | None = None
    for state in states:
        if open_interval is not None and not state.true:
            open_interval.end = state.at
            open_interval = None
        if not state.true:
            continue
        if open_interval is not None and lasting:
            open_interval.states.append(state)
            continue
        begins_at = state if state.event is None else None
        open_interval = Interval(state.at, None, [state], begins_at)
        intervals.append(open_interval)
        if not lasting:
            open_interval.end = state.at
            open_interval = None
    return intervals


def held(interval: Interval, span: int) -> Interval | None:
    """The interval from where the condition has held for `span`; None where it did not hold that long."""
    if span == 0:
        return interval
    start = interval.start + span
    inside = [state for state in interval.states if state.at >= start]
    if interval.end is not None and interval.end <= start and not inside:
        return None
    event_there = bool(inside) and inside[0].at == start and inside[0].event is not None
    in_force = [state for state in interval.states if state.at <= start][-1].at_later(start)
    return Interval(start, interval.end, inside, None if event_there else in_force)


def after_cooldown(triggers: list[State], cooldown: int) -> list[State]:
    fired: list[State] = []
    for state in triggers:
        if not fired or state.at - fired[-1].at >= cooldown:
            fired.append(state)
    return fired


def microseconds(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)
