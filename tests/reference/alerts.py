"""Alerts once more, slowly: which anomalies of a rule and group are one episode, and when it ends."""

from __future__ import annotations

from typing import Any

from tests.reference.evaluate import Event, State, after_cooldown, held, seconds, triggers_of, true_intervals
from tests.reference.kinds import STATES

#: An alert: its group, when its first anomaly occurred, when the last, how many there are, and when it ends.
Alert = tuple[str, int, int, int, int | None]


def alerts(rule: Any, events: list[Event]) -> list[Alert]:
    """Every alert of the rule over all events, in order."""
    found: list[Alert] = []
    for group, (states, lasting) in STATES[rule.condition.type](rule, events).items():
        fired = after_cooldown(triggers_of(rule, states, lasting), seconds(rule.cooldown_seconds))
        episodes = lasting_episodes(rule, states) if lasting else episodes_of_points(rule, states)
        for start, end, over in episodes:
            inside = [state for state in fired if start <= place(state) and (end is None or place(state) < end)]
            if inside:
                found.append((group, inside[0].at, inside[-1].at, len(inside), over))
                fired = [state for state in fired if state not in inside]
        assert not fired, "each anomaly is in an episode"
    return sorted(found, key=str)


Place = tuple[int, int, tuple[int, int, str]]


def place(state: State) -> Place:
    """Where a state stands among the others: what time brings before the events of an instant."""
    event = state.event or state.follows
    return state.at, 0 if event is None else 1, (0, 0, "") if event is None else event.order


def lasting_episodes(rule: Any, states: list[State]) -> list[tuple[Place, Place | None, int | None]]:
    """From where to before where the rule holds, and when that ends: true for long enough, and a while longer."""
    kept = seconds(rule.keep_firing_seconds)
    episodes: list[tuple[Place, Place | None, int | None]] = []
    for interval in true_intervals(states, True):
        moved = held(interval, seconds(rule.for_seconds))
        if moved is None:
            continue
        first = (moved.start, 0, (0, 0, "")) if moved.begins_at is not None else place(moved.states[0])
        if interval.end is None:
            ends: Place | None = None
        elif kept:
            ends = (interval.end + kept, 0, (0, 0, ""))
        else:
            ends = next(place(one) for one in states if place(one) > place(interval.states[-1]) and not one.true)
        if episodes and kept and touches(episodes[-1][1], first, states):
            episodes[-1] = (episodes[-1][0], ends, None if ends is None else ends[0])
        else:
            episodes.append((first, ends, None if ends is None else ends[0]))
    return episodes


def touches(end: Place | None, first: Place, states: list[State]) -> bool:
    """Whether what begins at a place goes on with what is over at another, with nothing false between them."""
    if end is None or first[0] < end[0]:
        return True
    return first[0] == end[0] and not any(end <= place(one) < first and not one.true for one in states)


def episodes_of_points(rule: Any, states: list[State]) -> list[tuple[Place, Place | None, int | None]]:
    """What is true at instants only goes on until nothing has been true for a while."""
    quiet = seconds(max(rule.window_seconds, rule.cooldown_seconds, rule.keep_firing_seconds))
    episodes: list[tuple[Place, Place | None, int | None]] = []
    for at, start in [(state.at, place(state)) for state in states if state.true]:
        if episodes and at <= (episodes[-1][2] or 0):
            start = episodes.pop()[0]
        episodes.append((start, (at + quiet, 2, (0, 0, "")), at + quiet))
    return episodes
