"""The states of `deviation`: every bucket of a group, one after the other, held against the buckets before it."""

from __future__ import annotations

import math
from typing import Any

from tests.reference.evaluate import Event, State, grouped, passes, seconds
from tests.reference.metrics import RELATIONS, measure

SEASONS = {"day": 86_400, "week": 604_800}
ZERO = ("count", "rate", "sum", "distinct")
States = dict[str, tuple[list[State], bool]]


def deviation(rule: Any, events: list[Event]) -> States:
    condition = rule.condition
    groups = grouped(rule, events, lambda event: passes(condition.filters, event))
    return {group: (states_of(condition, rows), True) for group, rows in groups.items()}


def states_of(condition: Any, rows: list[Event]) -> list[State]:
    size = seconds(condition.bucket_seconds)
    step = SEASONS[condition.season] // condition.bucket_seconds if condition.method == "seasonal" else 1
    first, last = rows[0].at // size, rows[-1].at // size
    end = last + condition.baseline_buckets * step + 2
    instants = {(bucket + 1) * size for bucket in range(first, end)} - {event.at for event in rows}
    states = []
    for at, event in sorted(
        [(event.at, event) for event in rows] + [(at, None) for at in instants],
        key=lambda moment: (moment[0], moment[1].order if moment[1] else ()),
    ):
        current = at // size
        so_far = [one for one in rows if one.at // size == current and event and one.order <= event.order]
        early = event and state(condition, rows, first, current, so_far, step, early=True)
        closed = [one for one in rows if one.at // size == current - 1]
        shown = early if early and early[0] else state(condition, rows, first, current - 1, closed, step)
        true, value, threshold = shown if shown[0] else (False, None, None)
        is_early = bool(early and early[0])
        bucket = current if is_early else current - 1
        states.append(
            State(
                at,
                event,
                true,
                value,
                threshold,
                bucket * size,
                tuple(so_far if is_early else closed) if true else (),
                settled_at=bucket * size if is_early else None,
                end=at if is_early else (bucket + 1) * size,
            )
        )
    return states


def state(
    condition: Any, rows: list[Event], first: int, bucket: int, inside: list[Event], step: int, early: bool = False
) -> tuple[bool, float | None, float | None]:
    """Whether a bucket with these events is outside of its bounds, its value, and the bound that it is held to."""
    if bucket < first:
        return False, None, None
    size = seconds(condition.bucket_seconds)
    value = measure(condition, condition.bucket_seconds, inside)
    past = []
    for back in range(condition.baseline_buckets, 0, -1):
        one = bucket - back * step
        if one < first:
            if condition.method != "seasonal":
                return False, value, None
            continue
        there = [event for event in rows if event.at // size == one]
        known = measure(condition, condition.bucket_seconds, there)
        if known is not None and (there or condition.metric in ZERO):
            past.append(known)
    if value is None or len(past) < 2:
        return False, value, None
    centre, spread = METHODS[condition.method](past)
    spread = spread or condition.min_spread
    lower, upper = centre - condition.value * spread, centre + condition.value * spread
    above = condition.direction != "down" and RELATIONS[condition.operator](value, upper)
    below = condition.direction != "up" and RELATIONS["<" if condition.operator == ">" else "<="](value, lower)
    if early:
        above = above and condition.metric in ("count", "rate", "distinct", "max")
        below = below and condition.metric == "min"
    bound = {"up": upper, "down": lower, "both": upper if value > (lower + upper) / 2 else lower}
    return above or below, value, bound[condition.direction]


def zscore(past: list[float]) -> tuple[float, float]:
    mean = math.fsum(past) / len(past)
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in past) / len(past))


def median(values: list[float]) -> float:
    values = sorted(values)
    return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2


def mad(past: list[float]) -> tuple[float, float]:
    return median(past), 1.4826 * median([abs(value - median(past)) for value in past])


def ewma(past: list[float]) -> tuple[float, float]:
    weight = 2 / (len(past) + 1)
    mean, variance = past[0], 0.0
    for value in past[1:]:
        off = value - mean
        mean = mean + weight * off
        variance = (1 - weight) * (variance + weight * off * off)
    return mean, math.sqrt(variance)


METHODS = {"zscore": zscore, "mad": mad, "ewma": ewma, "seasonal": mad}
