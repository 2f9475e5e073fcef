"""Every accepted event is stored, a duplicate, dead-lettered or pending; what is missing is noticed."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import redis
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from eventpulse.balance import Balance, read_balance
from eventpulse.database.ledger.counters import note_counter
from eventpulse.database.ledger.ledger_queries import days_of_ledger
from eventpulse.database.transactions import reading
from eventpulse.stream.connect import open_redis
from eventpulse.stream.counter import read_counter
from eventpulse.stream.keys import EVENTS_ACCEPTED, EVENTS_STREAM
from tests.draining import a_drain, a_line, publish_lines

START = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)


def lines(count: int, first: int = 0) -> list[bytes]:
    times = [(n, START + timedelta(seconds=n)) for n in range(first, first + count)]
    return [a_line({"event_id": f"00000000-0000-4000-8000-{n:012}", "timestamp": at.isoformat()}) for n, at in times]


@dataclass
class Scene:
    database_url: str
    redis_url: str
    engine: Engine
    client: "redis.Redis"

    def accept(self, *entries: list[bytes]) -> None:
        publish_lines(self.redis_url, entries)

    def drain(self) -> None:
        with a_drain(self.database_url, self.redis_url) as drain:
            drain.run_until_empty()

    def note_counter(self) -> None:
        """What the leading drain does every second."""
        with a_drain(self.database_url, self.redis_url) as drain:
            note_counter(drain.connection, 0, read_counter(self.client), None)

    @property
    def balance(self) -> Balance:
        with reading(self.engine) as connection:
            return read_balance(connection, self.client)

    def equation(self) -> dict[str, int]:
        balance = self.balance
        parts = balance.stored + balance.duplicates + balance.dead_lettered + balance.pending
        assert balance.accepted == parts + balance.missing - balance.uncounted
        names = ("accepted", "stored", "duplicates", "dead_lettered", "pending", "missing", "uncounted")
        return {name: getattr(balance, name) for name in names if getattr(balance, name)}


@pytest.fixture
def scene(database_url: str, redis_url: str, engine: Engine) -> Iterator[Scene]:
    with open_redis(redis_url) as client:
        yield Scene(database_url, redis_url, engine, client)


def test_nothing_accepted_is_nothing_to_account_for(scene: Scene) -> None:
    assert scene.equation() == {}
    assert scene.balance.holds


def test_what_is_accepted_is_pending_until_it_is_one_of_the_others(scene: Scene) -> None:
    scene.accept(lines(5), lines(2))
    assert scene.equation() == {"accepted": 7, "pending": 7}

    scene.drain()
    scene.accept([*lines(3, first=5), b"not json"])

    assert scene.equation() == {"accepted": 11, "stored": 5, "duplicates": 2, "pending": 4}
    scene.drain()
    assert scene.equation() == {"accepted": 11, "stored": 8, "duplicates": 2, "dead_lettered": 1}
    assert scene.balance.holds


def test_what_a_client_was_promised_over_http_is_counted(scene: Scene, api: TestClient) -> None:
    event = {"event_type": "page_view", "source": "web", "timestamp": "2026-01-31T10:00:00Z"}
    assert api.post("events", json=event).status_code == 202
    assert api.post("events/batch", json=[event] * 9).status_code == 202
    assert api.post("events/batch", json=[event, {}]).status_code == 400

    assert scene.equation() == {"accepted": 10, "pending": 10}
    scene.drain()
    assert scene.equation() == {"accepted": 10, "stored": 10}


def test_an_event_belongs_to_the_day_in_the_id_of_its_entry_also_where_midnight_lies_in_a_micro_batch(
    scene: Scene,
) -> None:
    midnight = int(datetime(2026, 2, 1, tzinfo=UTC).timestamp() * 1000)
    accepted = 0
    for at, entry in [
        (midnight - 1, lines(3)),
        (midnight, [*lines(1, first=3), b"{}"]),
        (midnight + 1, [*lines(2), *lines(4, first=10)]),
    ]:
        accepted += len(entry)
        fields: dict[Any, Any] = {"counter": "c0", "accepted": accepted, "count": len(entry)}
        scene.client.xadd(EVENTS_STREAM, {"events": b"\n".join(entry), **fields}, id=f"{at}-0")
    scene.client.hset(EVENTS_ACCEPTED, mapping={"counter": "c0", "accepted": accepted, "settled": 0})
    before, after = date(2026, 1, 31), date(2026, 2, 1)
    assert scene.balance.pending_by_day == {before: 3, after: 8}

    scene.drain()

    with reading(scene.engine) as connection:
        days = days_of_ledger(connection, limit=10)
    assert [(d.day, d.taken, d.stored, d.duplicates, d.dead_lettered) for d in days] == [
        (after, 8, 5, 2, 1),
        (before, 3, 3, 0, 0),
    ]
    assert scene.balance.holds


def test_an_entry_that_somebody_removed_is_missed_before_and_after_the_drain_has_passed_it(scene: Scene) -> None:
    scene.accept(lines(2))
    scene.drain()
    scene.accept(lines(3, first=2), lines(4, first=5))
    first = scene.client.xrange(EVENTS_STREAM, count=1)[0][0]  # type: ignore[index]
    scene.client.xdel(EVENTS_STREAM, first)

    assert scene.equation() == {"accepted": 9, "stored": 2, "pending": 4, "missing": 3}
    assert not scene.balance.holds
    scene.drain()
    assert scene.equation() == {"accepted": 9, "stored": 6, "missing": 3}


def test_what_comes_into_the_stream_past_the_api_is_seen(scene: Scene) -> None:
    scene.accept(lines(1))
    scene.client.xadd(EVENTS_STREAM, {"events": lines(1, first=1)[0], "count": 1})
    scene.drain()

    assert scene.equation() == {"accepted": 1, "stored": 2, "uncounted": 1}
    assert not scene.balance.holds


def test_a_redis_that_is_replaced_begins_a_new_count_and_what_went_with_the_old_one_is_missed(scene: Scene) -> None:
    scene.accept(lines(5))
    scene.drain()
    scene.accept(lines(2, first=5))
    scene.note_counter()
    scene.client.flushall()
    scene.accept(lines(3, first=7))

    assert scene.equation() == {"accepted": 10, "stored": 5, "pending": 3, "missing": 2}
    scene.drain()
    assert scene.equation() == {"accepted": 10, "stored": 8, "missing": 2}


def test_a_redis_that_is_replaced_when_nothing_waits_leaves_no_gap(scene: Scene) -> None:
    scene.accept(lines(5))
    scene.drain()
    scene.note_counter()
    scene.client.flushall()
    assert scene.balance.holds
    scene.accept(lines(3, first=5))
    scene.drain()

    assert scene.equation() == {"accepted": 8, "stored": 8}


def test_a_counter_alone_that_is_lost_loses_no_event(scene: Scene) -> None:
    scene.accept(lines(2))
    scene.drain()
    scene.accept(lines(2, first=2))
    scene.client.delete(EVENTS_ACCEPTED)
    scene.accept(lines(3, first=4))
    scene.drain()

    assert scene.equation() == {"accepted": 7, "stored": 7}


def test_a_redis_that_comes_back_with_less_than_it_had_accepted_is_found_out(scene: Scene) -> None:
    scene.accept(lines(5))
    scene.drain()
    kept = scene.client.hgetall(EVENTS_ACCEPTED)
    scene.accept(lines(4, first=5))
    scene.note_counter()
    scene.client.delete(EVENTS_STREAM)
    scene.client.hset(EVENTS_ACCEPTED, mapping=kept)  # type: ignore[arg-type]
    scene.note_counter()
    scene.accept(lines(1, first=9))
    scene.drain()

    assert scene.equation() == {"accepted": 10, "stored": 6, "missing": 4}


def test_a_new_ledger_does_not_miss_what_came_before_it(scene: Scene) -> None:
    scene.accept(lines(5), lines(2, first=5))
    scene.client.xtrim(EVENTS_STREAM, maxlen=1, approximate=False)
    assert scene.equation() == {"accepted": 2, "pending": 2}
    scene.note_counter()
    scene.drain()
    scene.note_counter()

    assert scene.equation() == {"accepted": 2, "stored": 2}


def test_it_balances_at_every_moment_while_events_come_and_go(scene: Scene) -> None:
    stop = threading.Event()

    def keep_accepting() -> None:
        number = 0
        while not stop.is_set():
            scene.accept(lines(3, first=number), lines(1, first=number))
            number += 3

    def keep_draining() -> None:
        with a_drain(scene.database_url, scene.redis_url, batch_events=5) as drain:
            drain.drain.finish_what_was_left()
            while not stop.is_set():
                drain.drain.step()

    threads = [threading.Thread(target=keep_accepting), threading.Thread(target=keep_draining)]
    for thread in threads:
        thread.start()
    try:
        looks = [scene.balance for _ in range(100)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert [look.sentence for look in looks if not look.holds] == []
    assert looks[-1].stored > 0
    scene.drain()
    final = scene.equation()
    assert final["accepted"] == final["stored"] + final["duplicates"]
