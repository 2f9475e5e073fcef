"""Timestamps as clients write them: ISO 8601 with an offset, kept as integer microseconds since 1970 in UTC."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from eventpulse.event import EARLIEST, LATEST

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: The one reading of a timestamp, which the decoder of events uses too. Digits beyond microseconds are rounded.
Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970, exactly (a float of seconds would round)."""
    since = instant - EPOCH
    return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds


def read_timestamp(text: str) -> datetime:
    """The instant a text names, in UTC. Raises ValueError where it names none, has no offset or lies out of range."""
    instant = msgspec.convert(text, Timestamp)
    if not EARLIEST <= microseconds(instant) <= LATEST:
        raise ValueError("outside the years 1 to 9999 in UTC")
    return instant.astimezone(UTC)
