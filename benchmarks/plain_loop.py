"""The conditions as an ordinary loop over events in Python, to hold the evaluation against.

Events are decoded once and looked at one after the other, with a queue or a last value for each group. It is what one
would write in an afternoon: it knows of no late events, no watermark and no batches, and looks at a condition only when
an event comes. So it finds what the rules find for `match`, `threshold`, `new_value`, `transition` and `sequence`, and
less for the others, whose truth also moves as time passes.
"""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from statistics import fmean, pstdev
from typing import Any

Event = dict[str, Any]
Found = Iterator[tuple[Any, int]]
SECOND = 1_000_000


def decoded(rows: Iterable[dict[str, Any]]) -> list[Event]:
    """The events of a frame as dictionaries, each payload read."""
    return [{**row, "payload": json.loads(row["payload"])} for row in rows]


def found_by(condition: dict[str, Any], rule: dict[str, Any], events: list[Event]) -> int:
    """How many anomalies the loop finds."""
    found, last = 0, dict[Any, int]()
    cooldown = rule.get("cooldown_seconds", 0) * SECOND
    for key, at in LOOPS[condition["type"]](condition, rule["window_seconds"] * SECOND, _keyed(rule, events)):
        if key not in last or at - last[key] >= cooldown:
            last[key] = at
            found += 1
    return found


def _keyed(rule: dict[str, Any], events: list[Event]) -> Iterator[tuple[Any, Event]]:
    names = [path.split(".")[1] for path in rule.get("group_by", [])]
    for event in events:
        payload = event["payload"]
        yield tuple(payload.get(name) for name in names), event


def _wanted(filters: dict[str, Any], event: Event) -> bool:
    return not filters or event["event_type"] == filters["event_type"]


def _match(condition: dict[str, Any], window: int, events: Iterator[tuple[Any, Event]]) -> Found:
    for key, event in events:
        if _wanted(condition["filters"], event) and event["payload"]["ms"] > 900:
            yield key, event["timestamp"]


def _threshold(condition: dict[str, Any], window: int, events: Iterator[tuple[Any, Event]]) -> Found:
    inside: dict[Any, deque[int]] = {}
    for key, event in events:
        if not _wanted(condition["filters"], event):
            continue
        at, queue = event["timestamp"], inside.setdefault(key, deque())
        queue.append(at)
        while queue[0] <= at - window:
            queue.popleft()
        if len(queue) > condition["value"]:
            yield key, at


def _change(condition: dict[str, Any], window: int, events: Iterator[tuple[Any, Event]]) -> Found:
    now: dict[Any, deque[int]] = {}
    before: dict[Any, deque[int]] = {}
    for key, event in events:
        if not _wanted(condition["filters"], event):
            continue
        at, young, old = event["timestamp"], now.setdefault(key, deque()), before.setdefault(key, deque())
        young.append(at)
        while young[0] <= at - window:
            old.append(young.popleft())
        while old and old[0] <= at - 2 * window:
            old.popleft()
        if len(old) >= condition["min_count"] and len(young) / len(old) > condition["value"]:
            yield key, at


def _absence(condition: dict[str, Any], window: int, events: Iterator[tuple[Any, Event]]) -> Found:
    last: dict[Any, int] = {}
    for key, event in events:
        if _wanted(condition["filters"], event):
            at = event["timestamp"]
            if at - last.get(key, at) > window:
                yield key, last[key] + window
            last[key] = at


def _deviation(condition: dict[str, Any], window: int, events: Iterator[tuple[Any, Event]]) -> Found:
    size, most = condition["bucket_seconds"] * SECOND, condition["baseline_buckets"]
    counts: dict[Any, deque[int]] = {}
    current: dict[Any, int] = {}
    for key, event in events:
        if not _wanted(condition["filters"], event):
            continue
        bucket, queue = event["timestamp"] // size, counts.setdefault(key, deque([0], maxlen=most + 1))
        for _ in range(min(bucket - current.setdefault(key, bucket), most + 1)):
            past = list(queue)[:-1]
            if len(past) == most and abs(queue[-1] - fmean(past)) > condition["value"] * (pstdev(past) or 1.0):
                yield key, bucket * size
            queue.append(0)
        current[key] = bucket
        queue[-1] += 1


def _new_value(condition: dict[str, Any], window: int, events: Iterator[tuple[Any, Event]]) -> Found:
    seen: dict[Any, dict[Any, int]] = {}
    lookback = condition["lookback_seconds"] * SECOND
    for key, event in events:
        if _wanted(condition["filters"], event):
            at, value, known = event["timestamp"], event["payload"]["country"], seen.setdefault(key, {})
            if value not in known or at - known[value] >= lookback:
                yield key, at
            known[value] = at


def _transition(condition: dict[str, Any], window: int, events: Iterator[tuple[Any, Event]]) -> Found:
    last: dict[Any, Any] = {}
    for key, event in events:
        if _wanted(condition["filters"], event):
            value = event["payload"]["country"]
            if last.get(key, value) != value:
                yield key, event["timestamp"]
            last[key] = value


def _sequence(condition: dict[str, Any], window: int, events: Iterator[tuple[Any, Event]]) -> Found:
    first, second = (step["filters"] for step in condition["steps"])
    begun: dict[Any, int] = {}
    for key, event in events:
        at = event["timestamp"]
        if _wanted(second, event) and at - begun.get(key, at - window) < window:
            yield key, at
        if _wanted(first, event):
            begun[key] = at


LOOPS: dict[str, Callable[[dict[str, Any], int, Iterator[tuple[Any, Event]]], Found]] = {
    "match": _match,
    "threshold": _threshold,
    "change": _change,
    "absence": _absence,
    "deviation": _deviation,
    "new_value": _new_value,
    "transition": _transition,
    "sequence": _sequence,
}
#: What the loop finds is what the rules find.
EXACT = frozenset({"match", "threshold", "new_value", "transition", "sequence"})
