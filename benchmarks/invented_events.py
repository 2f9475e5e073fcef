"""Events of a common size: about 350 bytes, ten types, fifty sources, a payload with text and numbers."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

TYPES = [f"type_{number}" for number in range(10)]
SOURCES = [f"source-{number:02}" for number in range(50)]


def invented_events(
    count: int, *, seed: int = 1, newest: datetime | None = None, over: timedelta = timedelta(0)
) -> list[dict[str, Any]]:
    """`count` events in the order of their timestamps, spread evenly over `over` up to `newest` (now)."""
    chance = random.Random(seed)
    newest = newest or datetime.now(UTC)
    return [
        {
            "event_type": chance.choice(TYPES),
            "source": chance.choice(SOURCES),
            "timestamp": (newest - over * ((count - 1 - number) / max(1, count - 1)))
            .isoformat()
            .replace("+00:00", "Z"),
            "payload": {
                "amount": round(chance.uniform(0, 100), 2),
                "user": f"user-{chance.randrange(5000)}",
                "path": f"/shop/category/{chance.randrange(100)}/article/{chance.randrange(10_000)}",
                "session": f"{chance.getrandbits(128):032x}",
                "referrer": f"https://example.org/campaign/{chance.randrange(1000)}",
            },
            "metadata": {"version": "1.4.2", "region": chance.choice(["eu", "us", "ap"])},
        }
        for number in range(count)
    ]


def bodies(events: list[dict[str, Any]], per_request: int) -> list[bytes]:
    """Request bodies: single events, or arrays of `per_request`."""
    if per_request == 1:
        return [json.dumps(event).encode() for event in events]
    return [json.dumps(events[start : start + per_request]).encode() for start in range(0, len(events), per_request)]
