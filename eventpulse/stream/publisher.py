"""Put accepted events into the stream so that many requests share one write.

One write is in flight; what arrives meanwhile gathers and goes with the next one. So nobody waits for a timer, and the
busier it gets, the more events one write (and one fsync of Redis) carries.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import redis.asyncio
from redis.exceptions import RedisError, ResponseError

from eventpulse.errors import StreamUnavailable
from eventpulse.stream.accept import accept

MOST_EVENTS_A_FLUSH = 16_384
MOST_BYTES_A_FLUSH = 4 * 1024 * 1024
ANSWER_WITHIN_SECONDS = 1.5


@dataclass(slots=True)
class _Request:
    lines: bytes
    count: int
    answer: "asyncio.Future[None]"


class Publisher:
    """Writes events of one process into the stream, or into those of several shards.

    `publish` returns when Redis has answered, and Redis answers when the entry is in its append-only file. It raises
    StreamUnavailable where that did not happen: then nothing of the request was taken, except where the connection
    broke or Redis fell silent after the write was sent. That outcome is unknown, and the client is told to try again
    as well: an event that carries an event_id is stored once however often it is sent; one without may be stored
    twice, under two ids. Nothing is retried here.
    """

    def __init__(
        self,
        client: "redis.asyncio.Redis",
        *,
        shards: int = 1,
        refuse_when_full: Callable[[], None] = lambda: None,
    ) -> None:
        """`refuse_when_full` raises BacklogFull while no event may be taken."""
        self._client = client
        self._shards = shards
        self._refuse_when_full = refuse_when_full
        self._waiting: deque[_Request] = deque()
        self._flushing: asyncio.Task[None] | None = None

    async def publish(self, lines: bytes, count: int) -> None:
        """Store `count` events, given as JSON lines of StreamedEvent, in one step: all of them, or none."""
        self._refuse_when_full()
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(_Request(lines, count, answer))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush_until_empty())
        await answer

    async def close(self) -> None:
        """Wait until every request has its answer."""
        if self._flushing is not None:
            await self._flushing

    async def _flush_until_empty(self) -> None:
        try:
            while self._waiting:
                flush = self._gather()
                try:
                    await self._write(flush)
                except ResponseError as fault:
                    why = str(fault).partition(" script: ")[0]
                    _refuse(flush, f"Redis does not take events now ({why}). Nothing was taken; try again later.")
                except (RedisError, OSError, TimeoutError) as fault:
                    _refuse(flush, f"Redis did not confirm the events ({_in_words(fault)}). Send them again.")
                    # The others would wait just as long for the same; nothing of theirs was sent.
                    _refuse(self._waiting, "Redis cannot be reached. Nothing was taken; try again later.")
                    self._waiting.clear()
                except Exception as fault:  # unexpected: each of them answers for it, and it is logged with them
                    _answer([*flush, *self._waiting], fault)
                    self._waiting.clear()
                else:
                    _answer(flush)
        finally:
            self._flushing = None

    def _gather(self) -> list[_Request]:
        """The requests of the next entry: whole ones, at least one, in the order of their arrival."""
        flush = [self._waiting.popleft()]
        events, size = flush[0].count, len(flush[0].lines)
        while self._waiting:
            events += self._waiting[0].count
            size += len(self._waiting[0].lines)
            if events > MOST_EVENTS_A_FLUSH or size > MOST_BYTES_A_FLUSH:
                break
            flush.append(self._waiting.popleft())
        return flush

    async def _write(self, flush: list[_Request]) -> None:
        lines = b"".join([request.lines for request in flush])
        count = sum([request.count for request in flush])
        async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
            await accept(self._client, lines, count, shards=self._shards)


def _refuse(requests: Iterable[_Request], reason: str) -> None:
    _answer(requests, StreamUnavailable(reason))


def _answer(requests: Iterable[_Request], fault: Exception | None = None) -> None:
    for request in requests:
        if request.answer.done():  # its client has gone away
            continue
        if fault is None:
            request.answer.set_result(None)
        else:
            request.answer.set_exception(fault)


def _in_words(fault: Exception) -> str:
    return "no answer in time" if isinstance(fault, TimeoutError | redis.exceptions.TimeoutError) else str(fault)
