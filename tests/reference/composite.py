"""The states of `composite`: at each place where a member may move, the expression over what all of them are there.

A place is where a moment stands among all others: its instant, then what time brings, then each event, and right
after an event what is over with it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rules.boolean import And, Name, Not
from tests.reference.evaluate import Event, State, held, seconds, true_intervals

Place = tuple[Any, ...]
States = dict[str, tuple[list[State], bool]]


def place_of(state: State) -> Place:
    if state.follows is not None:
        return after(state.at, state.follows)
    return (state.at, 0) if state.event is None else (state.at, 1, state.event.order, 0)


def after(at: int, event: Event | None) -> Place:
    return (at, 0, 1) if event is None else (at, 1, event.order, 1)


@dataclass(frozen=True)
class Stretch:
    """Where a member is true: from a place until just before another one (None: for ever)."""

    start: Place
    end: Place | None

    def covers(self, place: Place) -> bool:
        return self.start <= place and (self.end is None or place < self.end)


def stretches(member: Any, states: list[State], lasting: bool) -> list[Stretch]:
    """Where a member is true for one of its groups, its for_seconds and keep_firing_seconds included."""
    kept = seconds(member.keep_firing_seconds)
    found = []
    for run in true_intervals(states, lasting):
        interval = held(run, seconds(member.for_seconds))
        if interval is None:
            continue
        following = states[states.index(run.states[-1]) + 1 :]
        if not lasting:
            end: Place | None = after(run.start, run.states[0].event)
        else:
            end = place_of(following[0]) if following else None
        at_start = [state for state in interval.states if state.at == interval.start]
        start = place_of(at_start[0]) if at_start else (interval.start, 0)
        if kept and interval.end is not None:
            end = (interval.end + kept, 0)
            touching = [state for state in following if state.at == interval.end + kept]
            if touching and counts(member, states, lasting, touching[0]):
                end = place_of(touching[0])
        found.append(Stretch(start, end))
    return found


def counts(member: Any, states: list[State], lasting: bool, state: State) -> bool:
    """Whether a state is inside of an interval of its own, before keep_firing_seconds."""
    intervals = [held(run, seconds(member.for_seconds)) for run in true_intervals(states, lasting)]
    return any(interval is not None and any(one is state for one in interval.states) for interval in intervals)


def holds(tree: Any, true: set[str]) -> bool:
    if isinstance(tree, Name):
        return tree.name in true
    if isinstance(tree, Not):
        return not holds(tree.part, true)
    return (all if isinstance(tree, And) else any)(holds(part, true) for part in tree.parts)


def composite(rule: Any, events: list[Event]) -> States:
    from tests.reference.kinds import STATES

    members: dict[str, list[tuple[str, list[Stretch]]]] = {}
    places: dict[str, dict[Place, Event | None]] = {}
    for member in rule.members:
        for group, (states, lasting) in STATES[member.condition.type](member, events).items():
            values = json.loads(group)
            shared = json.dumps(
                {path: values[path] for path in rule.group_by}, separators=(",", ":"), ensure_ascii=False
            )
            found = stretches(member, states, lasting)
            members.setdefault(shared, []).append((member.name, found))
            here = places.setdefault(shared, {})
            here.update({place_of(state): state.event for state in states})
            here.update({one.start: here.get(one.start) for one in found})
            here.update({one.end: here.get(one.end) for one in found if one.end is not None})
    result: States = {}
    window = seconds(rule.window_seconds)
    for group, found_places in places.items():
        order = sorted(found_places)
        known = sorted({event for event in found_places.values() if event is not None}, key=lambda event: event.order)
        states = []
        for place in order:
            event, at = found_places[place], place[0]
            true = {name for name, found in members[group] if any(one.covers(place) for one in found)}
            follows = next((one for one in known if place == after(one.at, one)), None)
            so_far = [one for one in known if (one.order <= event.order if event else one.at <= at)]
            inside = tuple(one for one in so_far if one.at > at - window)
            it_is = holds(rule.condition.tree, true)
            if event is None and it_is == (states[-1].true if states else False):
                continue
            states.append(
                State(at, event, it_is, start=at - window, events=inside, shown_from=tuple(known), follows=follows)
            )
        result[group] = states, True
    return result
