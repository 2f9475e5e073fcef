"""The states of each condition type: for every group its step function, and whether a true state lasts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
            states.append(State(at, event, true, value, condition.value, at - window, tuple(there)))
        result[group] = states, True
    return result


STATES: dict[str, Callable[[Any, list[Event]], States]] = {"threshold": threshold}
