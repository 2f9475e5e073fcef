"""Which streams there are: one, as in the original, or several that share the events among them by their source.

Without shards everything goes through shard 0, the stream `events_stream`. With n shards they are numbered 1 to n, and
each has a stream `events_stream:{k}` of its own. A stream keeps its number whatever the layout, so what waits in it
when the number of shards is changed is found, drained and accounted for under that number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha1
from typing import Any

import redis

from eventpulse.stream.keys import EVENTS_ACCEPTED, EVENTS_STREAM, MOST_SHARDS, WORKER_HEALTH


@dataclass(frozen=True)
class Shard:
    """One stream and what belongs to it. Its number stands in the ledger and makes the lock of its leader."""

    number: int

    @property
    def stream(self) -> str:
        """The stream of its accepted events."""
        return self._own(EVENTS_STREAM)

    @property
    def counter(self) -> str:
        """The counter of its accepted events."""
        return self._own(EVENTS_ACCEPTED)

    @property
    def health(self) -> str:
        """The sign of life of its leading drain."""
        return self._own(WORKER_HEALTH)

    def _own(self, key: str) -> str:
        return f"{key}:{self.number}" if self.number else key


#: The one shard where there are no others.
ONLY = Shard(0)
#: Every stream there can be, in whatever layout.
EVERY_SHARD = tuple(Shard(number) for number in range(MOST_SHARDS + 1))


def shards_of(count: int) -> tuple[Shard, ...]:
    """The shards that events go to."""
    return (ONLY,) if count == 1 else EVERY_SHARD[1 : count + 1]


@lru_cache(maxsize=65_536)
def shard_of(source: str, count: int) -> Shard:
    """The shard of a source's events, always the same for the same number of shards."""
    if count == 1:
        return ONLY
    digest = sha1(source.encode("utf-8", "replace"), usedforsecurity=False).digest()
    return EVERY_SHARD[1 + int.from_bytes(digest[:8], "big") % count]


def shards_left(client: "redis.Redis", present: Sequence[Shard]) -> list[Shard]:
    """Shards of another layout in whose streams there is something still."""
    others = [shard for shard in EVERY_SHARD if shard not in present]
    if not client.exists(*(shard.stream for shard in others)):
        return []  # as nearly always
    pipe = client.pipeline(transaction=False)
    for shard in others:
        pipe.xlen(shard.stream)
    lengths: list[Any] = pipe.execute()
    return [shard for shard, length in zip(others, lengths, strict=True) if length]


def shards_counted(client: "redis.Redis") -> list[Shard]:
    """Every shard that has ever counted anything in this Redis."""
    if not client.exists(*(shard.counter for shard in EVERY_SHARD if shard != ONLY)):
        return [ONLY]
    pipe = client.pipeline(transaction=False)
    for shard in EVERY_SHARD:
        pipe.exists(shard.counter)
    there: list[Any] = pipe.execute()
    return [shard for shard, is_there in zip(EVERY_SHARD, there, strict=True) if is_there]


_REMOVE_IF_EMPTY = "if redis.call('XLEN', KEYS[1]) == 0 then return redis.call('DEL', KEYS[1]) end return 0"


def remove_if_empty(client: "redis.Redis", shard: Shard) -> bool:
    """Remove the stream of a shard that is not used any more, where nothing is left in it; its counter stays."""
    return bool(client.eval(_REMOVE_IF_EMPTY, 1, shard.stream))
