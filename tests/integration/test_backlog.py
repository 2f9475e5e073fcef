"""The backlog counts what is accepted and not committed, whoever holds it."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from eventpulse.stream.backlog import read_backlog
from eventpulse.stream.connect import open_redis
from eventpulse.stream.keys import EVENTS_STREAM
from eventpulse.stream.reader import StreamReader


@pytest.fixture
def client(redis_url: str) -> Iterator["redis.Redis"]:
    with open_redis(redis_url) as client:
        yield client


def accept(client: "redis.Redis", entry_id: str = "*") -> Any:
    return client.xadd(EVENTS_STREAM, {"events": "{}", "count": 1}, id=entry_id)


def test_an_empty_stream_has_no_backlog(client: "redis.Redis") -> None:
    backlog = read_backlog(client)
    assert (backlog.entries, backlog.oldest_seconds) == (0, None)


def test_before_the_first_drain_everything_waits(client: "redis.Redis") -> None:
    accept(client, "1000-0")
    accept(client)
    backlog = read_backlog(client)
    assert (backlog.entries, backlog.pending) == (2, 0)
    assert backlog.oldest_seconds is not None and backlog.oldest_seconds > 1_000_000


def test_entries_wait_until_they_are_acknowledged(client: "redis.Redis") -> None:
    reader = StreamReader(client)
    reader.prepare()
    accept(client, "1000-0")
    taken = reader.take(max_events=10, max_bytes=1000, block_milliseconds=10)
    accept(client)
    accept(client)
    held = read_backlog(client)
    assert (held.entries, held.pending) == (3, 1)
    assert held.oldest_seconds is not None and held.oldest_seconds > 1_000_000

    reader.acknowledge(taken)

    left = read_backlog(client)
    assert (left.entries, left.pending) == (2, 0)
    assert left.oldest_seconds is not None and left.oldest_seconds < 1_000_000


def test_a_drained_stream_is_empty(client: "redis.Redis") -> None:
    reader = StreamReader(client)
    reader.prepare()
    accept(client)
    reader.acknowledge(reader.take(max_events=10, max_bytes=1000, block_milliseconds=10))
    backlog = read_backlog(client)
    assert (backlog.entries, backlog.pending, backlog.oldest_seconds) == (0, 0, None)
