"""The metrics of a window, from all of its events, with exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from tests.reference.evaluate import Event, passes

RELATIONS = {
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    "==": lambda value, limit: value == limit,
    "!=": lambda value, limit: value != limit,
}


def measure(condition: Any, window_seconds: int, events: list[Event]) -> float | None:
    """The metric of these events; None where there is nothing to measure."""
    metric = condition.metric
    if metric == "count":
        return float(len(events))
    if metric == "rate":
        return len(events) / window_seconds
    if metric == "ratio":
        passed = sum(passes(condition.numerator, event) for event in events)
        return passed / len(events) if events else None
    if metric == "distinct":
        values = {event.token(condition.field) for event in events} - {None}
        return float(len(values))
    numbers = [Fraction(number) for event in events if (number := event.number(condition.field)) is not None]
    if metric == "sum":
        return float(sum(numbers))
    if not numbers:
        return None
    if metric == "avg":
        return float(sum(numbers)) / len(numbers)
    if metric == "stddev":
        return deviation(numbers)
    rank = {"min": 1, "max": len(numbers)}.get(metric) or math.ceil(Fraction(int(metric[1:]), 100) * len(numbers))
    return float(sorted(numbers)[rank - 1])


def deviation(numbers: list[Fraction]) -> float | None:
    """The standard deviation of a sample: the variance is exact, then rounded once, then its root is taken."""
    count = len(numbers)
    if count < 2:
        return None
    mean = sum(numbers) / count
    return math.sqrt(float(sum((number - mean) ** 2 for number in numbers) / (count - 1)))
