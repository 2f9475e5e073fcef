"""The wall clock, in one place, so that every decision can be handed another one."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)


def iso_utc(instant: datetime) -> str:
    """An instant as people and the API write it: ISO 8601 in UTC with `Z`, and microseconds only where there are any.

    Milliseconds are always shown, as JavaScript clients expect: `2026-01-31T08:00:00.000Z`.
    """
    utc = instant.astimezone(UTC)
    precision = "milliseconds" if utc.microsecond % 1000 == 0 else "microseconds"
    return utc.isoformat(timespec=precision).replace("+00:00", "Z")
