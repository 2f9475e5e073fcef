"""A drain that has lost the lead and does not know it yet does what it can; nothing is lost by it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from eventpulse.database.connect import open_connection
from eventpulse.stream.connect import open_redis
from eventpulse.stream.keys import DRAIN_CONSUMER, EVENTS_GROUP, EVENTS_STREAM
from eventpulse.stream.reader import StreamReader
from tests.draining import PowerCut, a_drain, publish

START = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)


def events(count: int, first: int) -> list[dict[str, Any]]:
    return [
        {"event_id": str(UUID(int=number + 1)), "timestamp": (START + timedelta(seconds=number)).isoformat()}
        for number in range(first, first + count)
    ]


def stored_in_order(connection: psycopg.Connection) -> list[int]:
    rows = connection.execute("select event_id from eventpulse.events order by batch_id, position").fetchall()
    return [event_id.int - 1 for (event_id,) in rows]


def read_without_leading(redis_url: str) -> None:
    with open_redis(redis_url) as client:
        assert StreamReader(client).take(max_events=100, max_bytes=1 << 20, block_milliseconds=1)


def test_what_a_former_leader_takes_from_the_stream_is_stored_by_the_present_one_in_order(
    database_url: str, redis_url: str
) -> None:
    with a_drain(database_url, redis_url) as leader:
        leader.run_until_empty()
        publish(redis_url, events(3, first=0))
        read_without_leading(redis_url)
        publish(redis_url, events(3, first=3))
        while leader.drain.step():
            pass

        assert stored_in_order(leader.connection) == [0, 1, 2, 3, 4, 5]
        assert leader.client.xpending(EVENTS_STREAM, EVENTS_GROUP)["pending"] == 0
        assert leader.client.xlen(EVENTS_STREAM) == 0


def test_what_a_former_leader_takes_while_its_successor_dies_is_not_mistaken_for_committed(
    database_url: str, redis_url: str
) -> None:
    publish(redis_url, events(2, first=0))
    with a_drain(database_url, redis_url, cut_before="acknowledge") as dying, pytest.raises(PowerCut):
        dying.run_until_empty()
    publish(redis_url, events(2, first=2))
    read_without_leading(redis_url)

    with a_drain(database_url, redis_url) as successor:
        successor.run_until_empty()
        assert stored_in_order(successor.connection) == [0, 1, 2, 3]


def test_entries_that_somebody_deleted_do_not_hold_up_those_behind_them(database_url: str, redis_url: str) -> None:
    publish(redis_url, events(150, first=0), an_entry=1)
    with open_redis(redis_url) as client:
        client.xgroup_create(EVENTS_STREAM, EVENTS_GROUP, id="0")
        given = client.xreadgroup(EVENTS_GROUP, DRAIN_CONSUMER, {EVENTS_STREAM: ">"}, count=1_000)
        client.xdel(EVENTS_STREAM, *(entry_id for entry_id, _ in given[EVENTS_STREAM.encode()][:120]))

    with a_drain(database_url, redis_url) as successor:
        successor.run_until_empty()
        assert stored_in_order(successor.connection) == list(range(120, 150))
        assert successor.client.xpending(EVENTS_STREAM, EVENTS_GROUP)["pending"] == 0


def test_a_redis_without_free_memory_is_drained_all_the_same(database_url: str, redis_url: str) -> None:
    publish(redis_url, events(5, first=0))
    with a_drain(database_url, redis_url) as first:
        first.run_until_empty()
        publish(redis_url, events(5, first=5))
        first.client.config_set("maxmemory", 1)
        try:
            with a_drain(database_url, redis_url) as successor:
                successor.run_until_empty()
                assert stored_in_order(successor.connection) == list(range(10))
        finally:
            first.client.config_set("maxmemory", 0)


def test_postgresql_soon_notices_that_the_machine_of_a_drain_is_gone(database_url: str) -> None:
    """Its locks fall with its connection, which nobody closes when the power fails."""
    with open_connection(database_url, application="tests") as connection:
        names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count")
        found = [connection.execute(f"show {name}").fetchone() for name in names]
    assert found == [("5",), ("2",), ("3",)]
