"""The states of each condition type: for every group its step function, and whether a true state lasts."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from tests.reference.composite import composite
from tests.reference.deviation import deviation
from tests.reference.evaluate import Event, State, grouped, passes, seconds
from tests.reference.metrics import RELATIONS, measure

States = dict[str, tuple[list[State], bool]]


def moments(events: list[Event], *spans: int) -> list[tuple[int, Event | None]]:
    """Every event, and every instant at which an event is one of `spans` old and none of the group stands."""
    taken = {event.at for event in events}
    silent = {event.at + span for event in events for span in spans} - taken
    return sorted(
        [(event.at, event) for event in events] + [(at, None) for at in silent],
        key=lambda moment: (moment[0], moment[1].order if moment[1] else ()),
    )


def known_at(events: list[Event], at: int, event: Event | None) -> list[Event]:
    """What is known at a moment: an event is judged with itself and the events before it."""
    return [one for one in events if (one.at <= at if event is None else one.order <= event.order)]


def inside(events: list[Event], start: int, end: int) -> list[Event]:
    return [event for event in events if start < event.at <= end]


def threshold(rule: Any, events: list[Event]) -> States:
    condition, window = rule.condition, seconds(rule.window_seconds)
    result: States = {}
    for group, rows in grouped(rule, events, lambda event: passes(condition.filters, event)).items():
        states = []
        for at, event in moments(rows, window):
            there = inside(known_at(rows, at, event), at - window, at)
            value = measure(condition, rule.window_seconds, there)
            true = value is not None and len(there) >= condition.min_count
            true = true and RELATIONS[condition.operator](value, condition.value)
            at_once = condition.metric == "sum" and condition.operator in (">", ">=") and event is not None
            settled_at = 0 if at_once else None
            there_too = tuple(there)
            states.append(State(at, event, true, value, condition.value, at - window, there_too, settled_at=settled_at))
        result[group] = states, True
    return result


def change(rule: Any, events: list[Event]) -> States:
    condition, window, offset = rule.condition, seconds(rule.window_seconds), seconds(rule.condition.offset_seconds)
    result: States = {}
    for group, rows in grouped(rule, events, lambda event: passes(condition.filters, event)).items():
        states = []
        for at, event in moments(rows, window, offset, window + offset):
            there = inside(known_at(rows, at, event), at - window, at)
            ago = inside(rows, at - offset - window, at - offset)
            now = measure(condition, rule.window_seconds, there)
            before = measure(condition, rule.window_seconds, ago)
            value = compared(condition.compare, now, before)
            true = value is not None and min(len(there), len(ago)) >= condition.min_count
            true = true and RELATIONS[condition.operator](value, condition.value)
            states.append(State(at, event, true, value, condition.value, at - window, tuple(there)))
        result[group] = states, True
    return result


def compared(how: str, now: float | None, before: float | None) -> float | None:
    if now is None or before is None:
        return None
    if how == "difference":
        return now - before
    if before == 0:
        return None
    found = now / before if how == "ratio" else (now - before) / abs(before) * 100
    return found if math.isfinite(found) else None


def match(rule: Any, events: list[Event]) -> States:
    result: States = {}
    for group, rows in grouped(rule, events, lambda event: passes(rule.condition.filters, event)).items():
        result[group] = [State(event.at, event, True, start=event.at, events=(event,)) for event in rows], False
    return result


def transition(rule: Any, events: list[Event]) -> States:
    condition = rule.condition
    result: States = {}
    for group, rows in grouped(rule, events, lambda event: passes(condition.filters, event)).items():
        states = []
        last: Event | None = None
        for event in rows:
            new = event.token(condition.field)
            old = last.token(condition.field) if last else None
            true = new is not None and old is not None and new != old
            true = true and (not condition.from_tokens or old in condition.from_tokens)
            true = true and (not condition.to_tokens or new in condition.to_tokens)
            start = last.at if last else event.at
            both = (last, event) if last else (event,)
            states.append(State(event.at, event, true, event.number(condition.field), start=start, events=both))
            last = event if new is not None else last
        result[group] = states, False
    return result


def new_value(rule: Any, events: list[Event]) -> States:
    condition = rule.condition
    lookback, learn = seconds(condition.lookback_seconds), seconds(condition.learn_seconds)
    result: States = {}
    for group, rows in grouped(rule, events, lambda event: passes(condition.filters, event)).items():
        states = []
        for place, event in enumerate(rows):
            value = event.token(condition.field)
            recent = [one for one in rows[:place] if event.at - one.at < lookback]
            seen = [one for one in recent if one.token(condition.field) == value]
            true = value is not None and not seen and event.at - rows[0].at >= learn
            number = event.number(condition.field)
            states.append(State(event.at, event, true, number, start=event.at - lookback, events=(event,)))
        result[group] = states, False
    return result


def absence(rule: Any, events: list[Event]) -> States:
    condition = rule.condition
    window, remember = seconds(rule.window_seconds), seconds(condition.remember_seconds)
    groups = grouped(rule, events, lambda event: passes(condition.filters, event))
    listed = [json.dumps(group, separators=(",", ":"), ensure_ascii=False) for group in condition.groups]
    first = min((event.at for rows in groups.values() for event in rows), default=None)
    result: States = {}
    for group in {*groups, *(listed if first is not None else [])}:
        rows = groups.get(group, [])
        known_since = [first] if group in listed else []
        instants = {event.at for event in rows} | set(known_since)
        times = {at + span for at in instants for span in (window, remember)} - {event.at for event in rows}
        states = []
        all_moments = [(event.at, event) for event in rows] + [(at, None) for at in times]
        for at, event in sorted(all_moments, key=lambda moment: (moment[0], moment[1].order if moment[1] else ())):
            before = known_at(rows, at, event)
            last = before[-1].at if before else first
            known = group in listed or any(at - one.at < remember for one in before)
            true = known and not inside(before, at - window, at) and at - last >= window
            silence = (at - last) / 1_000_000
            states.append(
                State(at, event, true, silence, float(rule.window_seconds), at - window, tuple(before[-1:]), grows=True)
            )
        result[group] = states, True
    return result


def sequence(rule: Any, events: list[Event]) -> States:
    steps, window = rule.condition.steps, seconds(rule.window_seconds)
    limit = float(rule.window_seconds)
    result: States = {}
    groups = grouped(rule, events, lambda event: any(passes(step.filters, event) for step in steps))
    for group, rows in groups.items():
        states = []
        missed = missed_chains(steps, rows, window) if steps[-1].absent else {}
        for at in missed:
            took = (at - missed[at][0].at) / 1_000_000
            states.append(State(at, None, True, took, limit, at - window, tuple(missed[at])))
        for event in rows:
            chain = None if steps[-1].absent else completed_chain(steps, known_at(rows, event.at, event), window)
            shown = chain or [event]
            took = (event.at - shown[0].at) / 1_000_000
            states.append(State(event.at, event, bool(chain), took, limit, event.at - window, tuple(shown)))
        states.sort(key=lambda state: (state.at, state.event.order if state.event else ()))
        result[group] = states, False
    return result


def completed_chain(steps: Any, rows: list[Event], window: int) -> list[Event] | None:
    """Of all chains that the last event completes the one that begins last, and is latest at each step from its end."""
    chains = [[rows[-1]]] if passes(steps[-1].filters, rows[-1]) else []
    for step in reversed(steps[:-1]):
        earlier = [event for event in inside(rows, rows[-1].at - window, rows[-1].at) if passes(step.filters, event)]
        chains = [[event, *chain] for chain in chains for event in earlier if event.order < chain[0].order]
    return max(chains, key=lambda chain: [chain[0].order, *(event.order for event in reversed(chain))], default=None)


def missed_chains(steps: Any, rows: list[Event], window: int) -> dict[int, list[Event]]:
    """Where the last step has failed to come, with the earliest steps that followed the first one."""
    missed: dict[int, list[Event]] = {}
    for first in rows:
        if not passes(steps[0].filters, first):
            continue
        chain = [first]
        for step in steps[1:]:
            after = [one for one in rows if one.order > chain[-1].order and one.at < first.at + window]
            following = [one for one in after if passes(step.filters, one)]
            if not following:
                break
            chain.append(following[0])
        if len(chain) == len(steps) - 1:
            missed[first.at + window] = chain
    return missed


STATES: dict[str, Callable[[Any, list[Event]], States]] = {
    "sequence": sequence,
    "composite": composite,
    "match": match,
    "threshold": threshold,
    "change": change,
    "absence": absence,
    "deviation": deviation,
    "new_value": new_value,
    "transition": transition,
}
