"""A channel as routing sees it: which alerts it takes, how it gathers them and when it is open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from eventpulse.errors import EventPulseError
from rules.routing.active_hours import OpenHours, read_open_hours
from rules.routing.matcher import Matcher, read_matcher

_MOST_PATHS = 10
_LIMITS = {
    "group_wait_seconds": (0, 3_600),
    "group_interval_seconds": (0, 86_400),
    "repeat_interval_seconds": (0, 30 * 86_400),
    "max_per_minute": (1, 600),
}
DEFAULTS: Mapping[str, int] = {
    "group_wait_seconds": 10,
    "group_interval_seconds": 60,
    "repeat_interval_seconds": 14_400,
    "max_per_minute": 20,
}


class BadChannel(EventPulseError):
    """A channel's settings can't be meant; the text names the key and what would do."""


@dataclass(frozen=True)
class ChannelPlan:
    """What a channel's owner decided. A repeat interval of zero never reminds."""

    channel_id: UUID
    name: str
    enabled: bool = True
    matcher: Matcher = field(default_factory=Matcher)
    group_by: tuple[str, ...] = ("rule",)
    group_wait: timedelta = timedelta()
    group_interval: timedelta = timedelta()
    repeat_interval: timedelta = timedelta()
    hours: OpenHours = field(default_factory=OpenHours)
    send_resolved: bool = True
    max_per_minute: int = 20


def read_channel_plan(document: Mapping[str, Any], channel_id: UUID) -> ChannelPlan:
    """The plan that a channel's document means. Raises BadChannel, BadMatcher or BadHours."""
    numbers = {name: _number(document, name) for name in _LIMITS}
    return ChannelPlan(
        channel_id=channel_id,
        name=str(document["name"]),
        enabled=_truth(document, "enabled", True),
        matcher=read_matcher(document.get("matcher") or {}),
        group_by=_paths(document.get("group_by", ("rule",)), "group_by"),
        group_wait=timedelta(seconds=numbers["group_wait_seconds"]),
        group_interval=timedelta(seconds=numbers["group_interval_seconds"]),
        repeat_interval=timedelta(seconds=numbers["repeat_interval_seconds"]),
        hours=read_open_hours(document.get("active_hours") or (), document.get("time_zone") or "UTC"),
        send_resolved=_truth(document, "send_resolved", True),
        max_per_minute=numbers["max_per_minute"],
    )


def read_paths(given: Any, at: str) -> tuple[str, ...]:
    """Paths of alerts, as in `equal` of an inhibition. Raises BadChannel."""
    return _paths(given, at)


def _paths(given: Any, at: str) -> tuple[str, ...]:
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) > _MOST_PATHS:
        raise BadChannel(f"{at} must be a list of at most {_MOST_PATHS} paths")
    for path in given:
        if not isinstance(path, str) or "\0" in path or len(path) > 500 or not _is_path(path):
            raise BadChannel(
                f"{at} has paths such as rule, severity, labels.team or group.payload.ip; got {path!r:.60}"
            )
    return tuple(dict.fromkeys(given))


def _is_path(path: str) -> bool:
    kind, dot, name = path.partition(".")
    return (path in ("rule", "severity", "origin")) or (kind in ("labels", "group") and bool(dot and name))


def _number(document: Mapping[str, Any], name: str) -> int:
    lowest, highest = _LIMITS[name]
    value = document.get(name, DEFAULTS[name])
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise BadChannel(f"{name} must be a whole number from {lowest} to {highest}; got {value!r:.40}")
    return value


def _truth(document: Mapping[str, Any], name: str, default: bool) -> bool:
    value = document.get(name, default)
    if not isinstance(value, bool):
        raise BadChannel(f"{name} must be true or false; got {value!r:.40}")
    return value
