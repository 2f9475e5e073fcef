"""How anomalies speak of numbers, groups and events."""

from functools import lru_cache
from math import isfinite

import msgspec
import polars as pl

from rules.conditions import Measured
from rules.filters import Filters

MOST_CONTRIBUTING = 20
NOTHING = "(none)"


def number(value: float | None) -> str:
    """A number as a person writes it: `6`, `0.25`, `1200000`."""
    if value is None:
        return "nothing"
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.4f}".rstrip("0") if 0.001 <= abs(value) < 1e15 else f"{value:.4g}"


@lru_cache(maxsize=65_536)
def group_name(group: str) -> str:
    """A group as part of a sentence: ` of payload.ip=1.2.3.4, source=web1`; nothing where there are no groups."""
    if group == "{}":
        return ""
    return " of " + ", ".join(f"{path}={value}" for path, value in group_values(group).items())


def group_values(group: str) -> dict[str, str]:
    """The values of a group by their paths, as a person writes them."""
    values: dict[str, msgspec.Raw] = msgspec.json.decode(group, type=dict[str, msgspec.Raw])
    return {path: plain(bytes(value).decode()) for path, value in values.items()}


def plain(token: str | None) -> str:
    """A JSON token as a person writes it: a text without its quotes."""
    if token is None or token == "null":
        return NOTHING
    return str(msgspec.json.decode(token)) if token.startswith('"') else token


def number_in(token: str | None) -> float | None:
    """The number that a JSON token is; None where it is something else."""
    if token is None or token[0] not in "-0123456789":
        return None
    found = float(token)
    return found if isfinite(found) else None


@lru_cache(maxsize=1024)
def span(seconds: float) -> str:
    """A span of time as a person says it: `30 days`, `90 s`."""
    for unit, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds % unit == 0 and seconds >= 2 * unit:
            return f"{number(seconds / unit)} {name}"
    return f"{number(seconds)} s"


def matching_events(filters: Filters) -> str:
    """`ssh_failed_password events from web1, web2`"""
    types = " or ".join(filters.event_type)
    sources = f" from {', '.join(filters.source)}" if filters.source else ""
    return f"{types} events{sources}".lstrip() if len(types) <= 60 else f"matching events{sources}"


_METRICS = {
    "rate": "{{}} {events} per second",
    "sum": "a sum of {field} of {{}} over {events}",
    "avg": "an average {field} of {{}} over {events}",
    "min": "a smallest {field} of {{}} over {events}",
    "max": "a largest {field} of {{}} over {events}",
    "stddev": "a standard deviation of {field} of {{}} over {events}",
    "distinct": "{{}} different values of {field} in {events}",
    "ratio": "a share of {{}} of {events}",
}


def metric_of_events(condition: Measured) -> str:
    """`{} ssh_failed_password events`, `an average payload.ms of {} over request events`: a value goes into the
    braces."""
    events = matching_events(condition.filters).replace("{", "{{").replace("}", "}}")
    field = (condition.field or "").replace("{", "{{").replace("}", "}}")
    if condition.metric == "count":
        return f"{{}} {events}"
    if condition.metric in _METRICS:
        return _METRICS[condition.metric].format(events=events, field=field)
    return f"a {condition.metric} of {field} of {{}} over {events}"


def unit_of(condition: Measured) -> str:
    """What a metric is counted in: `events`, `events/s`, `payload.ms`."""
    units = {"count": "events", "rate": "events/s", "ratio": "share", "distinct": f"values of {condition.field}"}
    return units.get(condition.metric) or condition.field or ""


def newest(event_ids: pl.Series, first: int, end: int) -> list[str]:
    """The last events of those from row `first` to before row `end`, as many as an anomaly names."""
    few = max(first, end - MOST_CONTRIBUTING)
    return event_ids.slice(few, end - few).to_list()
