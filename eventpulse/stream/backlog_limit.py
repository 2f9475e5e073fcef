"""Watch how much waits in Redis: ingestion stops before Redis has no memory left, and goes on when there is room.

Requests do not ask Redis: they read what was seen at the last look, half a second ago at most. Once a limit is passed,
nothing is taken until the backlog has fallen well below it, so that ingestion does not flicker at the edge.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

import redis.asyncio
from redis.exceptions import RedisError

from eventpulse.errors import BacklogFull
from eventpulse.stream.counter import as_counter
from eventpulse.stream.shards import EVERY_SHARD, ONLY, Shard

LOOK_EVERY_SECONDS = 0.5
#: Ingestion goes on when this part of each limit is left.
GO_ON_BELOW = 0.8
_SHORTEST_PAUSE, _LONGEST_PAUSE = 1, 60
_PAUSE_WHEN_NOTHING_MOVES = 5


@dataclass(frozen=True)
class Waiting:
    """What waits to be stored: events, the bytes they take in Redis, and how many were ever done with."""

    events: int
    bytes: int
    settled: int


def together(shards: Sequence[Waiting]) -> Waiting:
    """What waits in several shards."""
    return Waiting(
        sum(each.events for each in shards), sum(each.bytes for each in shards), sum(each.settled for each in shards)
    )


def _waiting(size: int | None, numbers: list[bytes | None]) -> Waiting:
    counter = as_counter(numbers)
    waiting, settled = (counter.waiting, counter.settled) if counter is not None else (0, 0)
    return Waiting(waiting if size else 0, size or 0, settled)


class BacklogLimit:
    """The backlog as last seen, held against its limits. An unknown backlog refuses nothing: writing will tell."""

    def __init__(
        self,
        client: "redis.asyncio.Redis",
        *,
        most_events: int,
        most_bytes: int,
        shards: Sequence[Shard] = (ONLY,),
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self._client = client
        self._most_events = most_events
        self._most_bytes = most_bytes
        self._shards = shards
        self._others = [shard for shard in EVERY_SHARD if shard not in shards]
        self._watched: Sequence[Shard] = EVERY_SHARD  # at the first look, and where another layout has left something
        self._seconds = seconds
        self._last: tuple[float, Waiting] | None = None
        self._drained_a_second = 0.0
        self.waiting: Waiting | None = None
        self.is_full = False

    def refuse_when_full(self) -> None:
        """Raises BacklogFull, which says why and how long to wait, while no more events may be taken."""
        if not self.is_full or self.waiting is None:
            return
        raise BacklogFull(
            f"The backlog is full: {self.waiting.events} events ({self.waiting.bytes >> 20} MiB) wait to be stored. "
            "Nothing was taken; try again later.",
            retry_after=self._pause(self.waiting),
        )

    async def look(self) -> None:
        """Ask Redis once."""
        try:
            async with asyncio.timeout(2 * LOOK_EVERY_SECONDS):
                pipe = self._client.pipeline(transaction=False)
                pipe.exists(*(shard.stream for shard in self._others))
                for shard in self._watched:
                    pipe.memory_usage(shard.stream)
                    pipe.hmget(shard.counter, "counter", "accepted", "settled")
                left, *answers = await pipe.execute()
        except (RedisError, OSError, TimeoutError):
            self.see(None)
            return
        self._watched = EVERY_SHARD if left else self._shards
        self.see(together([_waiting(*pair) for pair in zip(answers[::2], answers[1::2], strict=True)]))

    def see(self, waiting: Waiting | None) -> None:
        """Take note of the backlog as it is now; None where it cannot be known."""
        now = self._seconds()
        if waiting is not None and self._last is not None and now > self._last[0]:
            self._drained_a_second = max(waiting.settled - self._last[1].settled, 0) / (now - self._last[0])
        self._last = None if waiting is None else (now, waiting)
        self.waiting = waiting
        part = GO_ON_BELOW if self.is_full else 1.0
        self.is_full = waiting is not None and (
            waiting.events > part * self._most_events or waiting.bytes > part * self._most_bytes
        )

    async def watch(self) -> None:
        """Look again and again, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    def _pause(self, waiting: Waiting) -> int:
        """Seconds until there should be room, from how quickly the backlog falls now."""
        if self._drained_a_second <= 0:
            return _PAUSE_WHEN_NOTHING_MOVES
        over_by_bytes = 1 - GO_ON_BELOW * self._most_bytes / max(waiting.bytes, 1)
        over = max(waiting.events - GO_ON_BELOW * self._most_events, waiting.events * over_by_bytes, 0)
        return min(max(round(over / self._drained_a_second), _SHORTEST_PAUSE), _LONGEST_PAUSE)
