"""When a channel is open: hours of weekdays in a time zone; outside of them its messages wait."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from eventpulse.errors import EventPulseError
from eventpulse.time_zone import zone_named
from rules.routing.verdict import Verdict, goes_on, held

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 1_440
_MINUTE = timedelta(minutes=1)
#: Any hours come round within a week and a day, whatever a time zone does to its clock meanwhile.
_LOOK_AHEAD = timedelta(days=8)


class BadHours(EventPulseError):
    """Hours that no clock shows; the text says what would do."""


@dataclass(frozen=True)
class Hours:
    """Open from one minute of the day to before another, on these weekdays. Where `to` is not after `since`, the hours
    go over midnight and belong to the day they begin on."""

    days: frozenset[int]
    since: int
    to: int


@dataclass(frozen=True)
class OpenHours:
    """All hours of a channel; none at all means always."""

    hours: tuple[Hours, ...] = ()
    zone: str = "UTC"


def inside_hours(open_hours: OpenHours, now: datetime) -> Verdict:
    """Whether a channel is open; if not, it is looked at again when it opens."""
    if not open_hours.hours:
        return goes_on("always open")
    zone = ZoneInfo(open_hours.zone)
    if _is_open(open_hours.hours, now.astimezone(zone)):
        return goes_on("inside active hours")
    opens = next_opening(open_hours, now)
    if opens is None:
        return held("outside active hours", look_again_at=now + _LOOK_AHEAD)
    local = opens.astimezone(zone)
    return held(f"outside active hours, until {local:%a %H:%M} {open_hours.zone}", look_again_at=opens)


def next_opening(open_hours: OpenHours, now: datetime) -> datetime | None:
    """The first full minute after `now` inside the hours; each is looked at, so that no change of clocks matters."""
    zone = ZoneInfo(open_hours.zone)
    minute = now.replace(second=0, microsecond=0)
    for _ in range(_LOOK_AHEAD // _MINUTE):
        minute += _MINUTE
        if _is_open(open_hours.hours, minute.astimezone(zone)):
            return minute
    return None


def _is_open(hours: Sequence[Hours], local: datetime) -> bool:
    minute, day = local.hour * 60 + local.minute, local.weekday()
    for each in hours:
        if each.since < each.to:
            if day in each.days and each.since <= minute < each.to:
                return True
        elif (day in each.days and minute >= each.since) or ((day - 1) % 7 in each.days and minute < each.to):
            return True
    return False


def read_open_hours(given: Any, zone: Any) -> OpenHours:
    """Hours as a channel has them: `[{"days": ["mon"], "from": "08:00", "to": "18:00"}]`. Raises BadHours."""
    if not isinstance(zone, str) or zone_named(zone) is None:
        raise BadHours(f"time_zone must be a name such as Europe/Berlin; got {zone!r:.60}")
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) > 50:
        raise BadHours("active_hours must be a list of at most 50 entries")
    return OpenHours(tuple(_read(entry, number) for number, entry in enumerate(given)), zone)


def _read(entry: Any, number: int) -> Hours:
    at = f"active_hours[{number}]"
    if not isinstance(entry, Mapping) or set(entry) - {"days", "from", "to"} or not {"from", "to"} <= set(entry):
        raise BadHours(f'{at} must be like {{"days": ["mon"], "from": "08:00", "to": "18:00"}}')
    days = entry.get("days", DAYS)
    if not isinstance(days, Sequence) or isinstance(days, str) or not days or any(day not in DAYS for day in days):
        raise BadHours(f"{at}.days must be a list of {', '.join(DAYS)}")
    return Hours(
        frozenset(DAYS.index(day) for day in days),
        _minutes(entry["from"], f"{at}.from", _DAY_MINUTES - 1),
        _minutes(entry["to"], f"{at}.to", _DAY_MINUTES),
    )


def _minutes(text: Any, at: str, latest: int) -> int:
    hour, colon, minute = text.partition(":") if isinstance(text, str) else ("", "", "")
    if len(hour) == len(minute) == 2 and (hour + minute).isascii() and (hour + minute).isdigit() and colon:
        minutes = int(hour) * 60 + int(minute)
        if int(minute) < 60 and minutes <= latest:
            return minutes
    raise BadHours(f"{at} must be a time of day such as 08:00; got {text!r:.40}")
