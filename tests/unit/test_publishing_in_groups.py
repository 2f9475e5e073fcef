"""Group commit: what shares a write, in which order, and what happens to it when Redis does not take it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisGone, OutOfMemoryError

from eventpulse.errors import BacklogFull, StreamUnavailable
from eventpulse.stream import publisher as publishing
from eventpulse.stream.publisher import MOST_EVENTS_A_FLUSH, Publisher


class SlowRedis:
    """Takes an entry only when the test lets it, or fails with what the test says."""

    def __init__(self) -> None:
        self.entries: list[tuple[bytes, int]] = []
        self.asked = 0
        self._outcomes: asyncio.Queue[Exception | None] = asyncio.Queue()

    def answer(self, outcome: Exception | None = None) -> None:
        self._outcomes.put_nowait(outcome)

    async def evalsha(self, *command: Any) -> bytes:
        assert command[1:4] == (2, "events_stream", "events_accepted")
        self.asked += 1
        outcome = await self._outcomes.get()
        if outcome is not None:
            raise outcome
        self.entries.append((command[4], command[5]))
        return b"1-0"


def told(story: Callable[[SlowRedis, Publisher], Coroutine[Any, Any, None]]) -> None:
    async def tell() -> None:
        redis = SlowRedis()
        await asyncio.wait_for(story(redis, Publisher(redis)), 10)  # type: ignore[arg-type]

    asyncio.run(tell())


async def started(publisher: Publisher, *requests: tuple[bytes, int]) -> list["asyncio.Task[None]"]:
    tasks = [asyncio.create_task(publisher.publish(lines, count)) for lines, count in requests]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


def test_the_first_goes_at_once_and_what_comes_meanwhile_goes_together_in_order() -> None:
    async def story(redis: SlowRedis, publisher: Publisher) -> None:
        first = await started(publisher, (b"1\n", 1))
        rest = await started(publisher, (b"2\n", 1), (b"3\n4\n", 2), (b"5\n", 1))
        assert redis.asked == 1  # never two writes at once
        redis.answer()
        await asyncio.gather(*first)
        assert not any(task.done() for task in rest)
        redis.answer()
        await asyncio.gather(*rest)
        assert redis.entries == [(b"1\n", 1), (b"2\n3\n4\n5\n", 4)]

    told(story)


def test_nobody_is_answered_before_redis_is() -> None:
    async def story(redis: SlowRedis, publisher: Publisher) -> None:
        [task] = await started(publisher, (b"1\n", 1))
        assert redis.asked == 1
        assert not task.done()
        redis.answer()
        await task

    told(story)


def test_a_request_is_never_split_and_an_entry_never_too_big() -> None:
    async def story(redis: SlowRedis, publisher: Publisher) -> None:
        nearly_full = MOST_EVENTS_A_FLUSH - 1
        big = b"x" * (publishing.MOST_BYTES_A_FLUSH + 1)
        tasks = await started(publisher, (b"0", 1))
        tasks += await started(publisher, (b"a", nearly_full), (b"b", 1), (b"c", 1), (big, 2), (b"d", 1))
        for _ in range(5):
            redis.answer()
        await asyncio.gather(*tasks)
        assert redis.entries == [(b"0", 1), (b"ab", nearly_full + 1), (b"c", 1), (big, 2), (b"d", 1)]

    told(story)


def test_when_redis_goes_everybody_who_waits_is_told_at_once_and_the_next_one_tries_again() -> None:
    async def story(redis: SlowRedis, publisher: Publisher) -> None:
        tasks = await started(publisher, (b"1", 1))
        tasks += await started(publisher, (b"2", 1), (b"3", 1))
        redis.answer(RedisGone("gone"))
        told = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(fault) for fault in told] == [StreamUnavailable] * 3
        assert redis.asked == 1
        [task] = await started(publisher, (b"4", 1))
        redis.answer()
        await task
        assert redis.entries == [(b"4", 1)]

    told(story)


def test_a_refused_write_refuses_the_requests_in_it_alone() -> None:
    async def story(redis: SlowRedis, publisher: Publisher) -> None:
        [first] = await started(publisher, (b"1", 1))
        [second] = await started(publisher, (b"2", 1))
        redis.answer(OutOfMemoryError("OOM command not allowed when used memory > 'maxmemory'."))
        redis.answer()
        with pytest.raises(StreamUnavailable, match="OOM"):
            await first
        await second
        assert redis.entries == [(b"2", 1)]

    told(story)


def test_silence_is_not_waited_for_longer_than_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "ANSWER_WITHIN_SECONDS", 0.01)

    async def story(redis: SlowRedis, publisher: Publisher) -> None:
        tasks = await started(publisher, (b"1", 1))
        tasks += await started(publisher, (b"2", 1))
        told = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(fault) for fault in told] == [StreamUnavailable] * 2

    told(story)


def test_a_client_that_goes_away_takes_nobody_with_it() -> None:
    async def story(redis: SlowRedis, publisher: Publisher) -> None:
        await started(publisher, (b"1", 1))
        leaving, staying = await started(publisher, (b"2", 1), (b"3", 1))
        leaving.cancel()
        redis.answer()
        redis.answer()
        await staying
        assert redis.entries == [(b"1", 1), (b"23", 2)]

    told(story)


def test_a_fault_nobody_expected_reaches_everybody_who_waits() -> None:
    async def story(redis: SlowRedis, publisher: Publisher) -> None:
        tasks = await started(publisher, (b"1", 1))
        tasks += await started(publisher, (b"2", 1))
        redis.answer(KeyError("surprise"))
        told = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(fault) for fault in told] == [KeyError] * 2
        await publisher.close()

    told(story)


def test_while_the_backlog_is_full_nothing_is_sent() -> None:
    def full() -> None:
        raise BacklogFull("The backlog is full.", retry_after=7)

    async def story(redis: SlowRedis, _: Publisher) -> None:
        publisher = Publisher(redis, refuse_when_full=full)  # type: ignore[arg-type]
        with pytest.raises(BacklogFull, match="backlog is full"):
            await publisher.publish(b"1", 1)
        assert redis.asked == 0

    told(story)
