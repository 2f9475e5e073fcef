"""Whether the outgoing sign of life may be sent: only while all is well, so that its absence means trouble."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from rules.routing.verdict import Verdict, goes_on, held

#: A drain beats about once a second, and its successor within moments.
FRESH = timedelta(seconds=15)


def all_is_well(heartbeats: Mapping[int, datetime | None], *, missing: int, uncounted: int, now: datetime) -> Verdict:
    """Whether every shard's drain has given a sign of life just now, and every accepted event is accounted for."""
    for shard, beaten in heartbeats.items():
        if beaten is None or now - beaten > FRESH:
            name = f"shard {shard}" if shard else "the stream"
            return held(f"nobody drains {name}")
    if missing:
        return held(f"{missing:,} accepted events are missing")
    if uncounted:
        return held(f"{uncounted:,} events came in past the API")
    return goes_on("events are drained and accounted for")
