"""Events are shared among shards by their source, all of a request or none of it, and keep the order they came in."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from eventpulse.stream.accept import accept_now
from eventpulse.stream.connect import open_redis
from eventpulse.stream.counter import read_counter
from eventpulse.stream.keys import EVENTS_ORDER
from eventpulse.stream.reader import StreamReader
from eventpulse.stream.shards import EVERY_SHARD, ONLY, Shard, shard_of, shards_left, shards_of
from eventpulse.stream.waiting import read_waiting
from pipelines.live.read_events import read_events
from tests.draining import a_line

START = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
SOURCES = ["web", "db", "ip-10-77-20-248", "sensor 7", "käse", ""]


@pytest.fixture
def client(redis_url: str) -> Iterator["redis.Redis"]:
    with open_redis(redis_url) as client:
        yield client


def lines(count: int, first: int = 0) -> list[bytes]:
    return [
        a_line(
            {
                "event_id": f"00000000-0000-4000-8000-{number:012}",
                "timestamp": START.isoformat(),
                "source": SOURCES[number % len(SOURCES)],
            }
        )
        for number in range(first, first + count)
    ]


def in_order_of_acceptance(client: "redis.Redis", shards: int) -> list[str]:
    """The ids of all events that wait, by their positions, which must differ."""
    found: list[tuple[int, str]] = []
    for shard in shards_of(shards):
        reader = StreamReader(client, shard)
        reader.prepare()
        events = read_events(reader.take(max_events=10_000, max_bytes=1 << 30, block_milliseconds=1)).events
        assert all(shard_of(source, shards) == shard for source in events["source"])
        found += zip(events["position"], events["event_id"], strict=True)
    assert len({position for position, _ in found}) == len(found)
    return [event_id for _, event_id in sorted(found)]


@pytest.mark.parametrize(
    "a_flush, shards", [(7, 64), *((a_flush, shards) for a_flush in (1, 7, 100) for shards in (1, 2, 8))]
)
def test_the_order_of_acceptance_is_the_same_through_any_number_of_shards(
    client: "redis.Redis", shards: int, a_flush: int
) -> None:
    accepted = lines(100)
    for start in range(0, 100, a_flush):
        flush = accepted[start : start + a_flush]
        accept_now(client, b"\n".join(flush), len(flush), shards=shards)

    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(100)]
    assert in_order_of_acceptance(client, shards) == ids


def test_where_an_event_goes_never_changes() -> None:
    shares = {count: [shard_of(source, count).number for source in SOURCES] for count in (1, 2, 8)}
    assert shares == {1: [0, 0, 0, 0, 0, 0], 2: [1, 2, 2, 1, 2, 2], 8: [1, 8, 2, 3, 2, 6]}


def test_many_sources_are_shared_evenly() -> None:
    shares = [shard_of(f"host-{number}", 8).number for number in range(8_000)]
    assert all(800 < shares.count(number) < 1_200 for number in range(1, 9))


def test_each_shard_counts_what_it_was_given(client: "redis.Redis") -> None:
    accept_now(client, b"\n".join(lines(12)), 12, shards=2)
    accept_now(client, b"\n".join(lines(6)), 6, shards=2)

    for shard, count in zip(shards_of(2), (6, 12), strict=True):
        counter, waiting = read_counter(client, shard), read_waiting(client, None, shard)
        assert counter is not None
        assert (counter.accepted, waiting.events) == (count, count)
    first, second = (read_counter(client, shard) for shard in shards_of(2))
    assert first is not None and second is not None and first.counter != second.counter
    assert read_counter(client) is None


@pytest.mark.parametrize("key", [Shard(1).stream, Shard(2).stream, Shard(1).counter, Shard(2).counter, EVENTS_ORDER])
def test_where_one_part_cannot_be_taken_nothing_is(client: "redis.Redis", key: str) -> None:
    client.lpush(key, "something else")
    before = {name: client.dump(name) for name in client.scan_iter()}

    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        accept_now(client, b"\n".join(lines(12)), 12, shards=2)

    assert {name: client.dump(name) for name in client.scan_iter()} == before


def test_a_redis_without_free_memory_takes_no_part(client: "redis.Redis") -> None:
    accept_now(client, b"\n".join(lines(12)), 12, shards=2)
    before = [client.xlen(shard.stream) for shard in shards_of(2)]
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(redis.ResponseError, match="maxmemory"):
            accept_now(client, b"\n".join(lines(12)), 12, shards=2)
    finally:
        client.config_set("maxmemory", 0)
    counters = [read_counter(client, shard) for shard in shards_of(2)]
    assert [client.xlen(shard.stream) for shard in shards_of(2)] == before == [1, 1]
    assert [counter.accepted for counter in counters if counter is not None] == [4, 8]


def test_ids_go_on_behind_what_a_clock_that_was_put_back_left(client: "redis.Redis") -> None:
    ahead = "9999999999999-5"
    client.xadd(Shard(2).stream, {"events": b"", "count": 0}, id=ahead)
    accept_now(client, b"\n".join(lines(6)), 6, shards=2)
    accept_now(client, b"\n".join(lines(6, first=6)), 6, shards=2)

    ids: list[Any] = [client.xrange(shard.stream) for shard in shards_of(2)]
    assert [entry_id for entry_id, _ in ids[0]] == [b"9999999999999-6", b"9999999999999-7"]
    assert [entry_id for entry_id, _ in ids[1]] == [ahead.encode(), b"9999999999999-6", b"9999999999999-7"]


def test_what_a_former_layout_left_is_found(client: "redis.Redis") -> None:
    assert shards_left(client, [ONLY]) == []
    accept_now(client, lines(1)[0], 1, shards=8)
    accept_now(client, lines(1)[0], 1)

    assert shards_left(client, [ONLY]) == [EVERY_SHARD[1]]
    assert shards_left(client, shards_of(8)) == [ONLY]
    assert shards_left(client, [ONLY, *shards_of(8)]) == []
