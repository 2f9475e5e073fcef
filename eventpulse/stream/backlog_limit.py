"""Watch how much memory the waiting events take in Redis, so that ingestion stops before Redis has none left."""

import asyncio

import redis.asyncio
from redis.exceptions import RedisError

from eventpulse.stream.keys import EVENTS_STREAM

_LOOK_EVERY_SECONDS = 1.0


class BacklogLimit:
    """The size of the stream as last seen. An unknown size refuses nothing: writing will tell."""

    def __init__(self, client: "redis.asyncio.Redis", *, most_bytes: int, stream: str = EVENTS_STREAM) -> None:
        self._client = client
        self._most_bytes = most_bytes
        self._stream = stream
        self._bytes = 0

    def reason_to_refuse(self) -> str | None:
        """Why no more events may be taken, in words, or None."""
        if self._bytes <= self._most_bytes:
            return None
        return (
            f"The backlog is full: {self._bytes >> 20} MiB of events wait to be stored. "
            "Nothing was taken; try again later."
        )

    async def look(self) -> None:
        """Ask Redis once."""
        try:
            async with asyncio.timeout(_LOOK_EVERY_SECONDS):
                self._bytes = await self._client.memory_usage(self._stream) or 0
        except (RedisError, OSError, TimeoutError):
            self._bytes = 0

    async def watch(self) -> None:
        """Look every second, for ever."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
