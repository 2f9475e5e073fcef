"""Events that EventPulse sends itself, about itself: accepted, stored and judged by rules like any other."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import redis

from eventpulse.event import StreamedEvent
from eventpulse.stream.accept import accept_now

#: What they have for a source.
SOURCE = "eventpulse"
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_encode = msgspec.json.Encoder().encode


def accept_own_event(
    client: "redis.Redis",
    event_type: str,
    payload: Mapping[str, Any],
    *,
    event_id: UUID,
    at: datetime,
    shards: int = 1,
) -> None:
    """Put one event into the stream. The same id again is a duplicate, so repeating is harmless."""
    microseconds = (at - _BEGINNING) // timedelta(microseconds=1)
    event = StreamedEvent(
        event_id=str(event_id),
        event_type=event_type,
        source=SOURCE,
        timestamp=microseconds,
        received_at=microseconds,
        payload=_encode(payload).decode(),
        metadata="{}",
    )
    accept_now(client, _encode(event), 1, shards=shards)
