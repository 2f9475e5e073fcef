"""Read the counter of accepted events."""

from dataclasses import dataclass
from typing import Any

import redis

from eventpulse.stream.shards import ONLY, Shard


@dataclass(frozen=True)
class Counter:
    """How many events a Redis has accepted since it began to count, and how many of them the drain has done with."""

    counter: str
    accepted: int
    settled: int

    @property
    def waiting(self) -> int:
        """Events that are accepted and not done with, as far as Redis knows."""
        return max(self.accepted - self.settled, 0)


def read_counter(client: "redis.Redis", shard: Shard = ONLY) -> Counter | None:
    """The counter as it is now; None where nothing was accepted yet."""
    answer: Any = client.hmget(shard.counter, "counter", "accepted", "settled")
    return as_counter(answer)


def as_counter(answer: list[bytes | None]) -> Counter | None:
    """What the three fields of the hash say."""
    counter, accepted, settled = answer
    if counter is None or accepted is None:
        return None
    return Counter(counter.decode(), int(accepted), int(settled or 0))
