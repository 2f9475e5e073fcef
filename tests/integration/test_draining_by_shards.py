"""Several streams, each with a leader of its own: whatever dies, moves or meets, every event is stored once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from eventpulse.balance import Balance, read_balance
from eventpulse.database.anomalies import history_lock
from eventpulse.database.connect import open_connection
from eventpulse.database.events.partitions import DayPartitions
from eventpulse.database.leadership import everybody
from eventpulse.database.transactions import reading
from eventpulse.settings import Settings
from eventpulse.stream.connect import open_redis
from eventpulse.stream.shards import shard_of, shards_of
from pipelines.live import adopt_shards, take_in
from tests.draining import PowerCut, a_drain, publish
from tests.integration.test_handing_over import RunInAThread, wait_until

START = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
FIRST, SECOND = "web", "db"  # of two shards


def test_the_sources_of_these_tests_have_different_shards() -> None:
    assert [shard_of(source, 2) for source in (FIRST, SECOND)] == list(shards_of(2))


def events(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "event_id": str(UUID(int=number + 1)),
            "timestamp": (START + timedelta(seconds=number)).isoformat(),
            "source": (FIRST, SECOND)[number % 2],
        }
        for number in range(first, first + count)
    ]


def ledger(connection: psycopg.Connection) -> tuple[int, ...]:
    row = connection.execute(
        "select coalesce(sum(stored), 0)::int, coalesce(sum(duplicates), 0)::int, (select count(*) from"
        " eventpulse.events)::int, (select coalesce(sum(count), 0) from eventpulse.event_rollups)::int"
        " from eventpulse.batches"
    ).fetchone()
    assert row is not None
    return tuple(row)


@pytest.mark.parametrize("point", ["tell", "acknowledge"])
def test_the_leader_of_a_shard_that_dies_after_its_commit_is_succeeded_without_loss_or_repetition(
    database_url: str, redis_url: str, engine: Engine, point: str
) -> None:
    first, second = shards_of(2)
    publish(redis_url, events(10), an_entry=5, shards=2)
    with a_drain(database_url, redis_url, shard=first) as leader:
        with a_drain(database_url, redis_url, shard=second, cut_before=point) as dying, pytest.raises(PowerCut):
            dying.run_until_empty()
        publish(redis_url, events(10, first=10), an_entry=5, shards=2)
        leader.run_until_empty()
        with a_drain(database_url, redis_url, shard=second) as successor:
            successor.run_until_empty()

        assert ledger(leader.connection) == (20, 0, 20, 20)
        assert [leader.client.xlen(shard.stream) for shard in (first, second)] == [0, 0]
    assert balance(engine, redis_url).holds


def test_a_part_that_is_removed_from_one_stream_is_missed_also_where_its_shard_had_none_before(
    database_url: str, redis_url: str, engine: Engine
) -> None:
    first, second = shards_of(2)
    publish(redis_url, events(2)[:1], shards=2)
    with a_drain(database_url, redis_url, shard=first) as drain:
        drain.run_until_empty()
    publish(redis_url, events(6), an_entry=2, shards=2)
    with open_redis(redis_url) as client:
        client.xtrim(second.stream, maxlen=1, approximate=False)
    before = balance(engine, redis_url)
    assert (before.accepted, before.pending, before.missing) == (7, 4, 2)

    for shard in (first, second):
        with a_drain(database_url, redis_url, shard=shard) as drain:
            drain.run_until_empty()

    after = balance(engine, redis_url)
    assert (after.accepted, after.stored, after.duplicates, after.missing) == (7, 4, 1, 2)


def balance(engine: Engine, redis_url: str) -> Balance:
    with reading(engine) as connection, open_redis(redis_url) as client:
        return read_balance(connection, client)


@contextmanager
def while_waiting_for_the_turn(action: Callable[[], None]) -> Iterator[None]:
    """Do something between the insert of the next micro-batch and its turn to judge."""
    todo = [action]

    def take_turn(*arguments: Any) -> None:
        if todo:
            todo.pop()()
        history_lock.take_turn(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(take_in, "take_turn", take_turn)
        yield


@pytest.mark.parametrize("days_later", [0, 3], ids=["same timestamp", "other timestamp"])
def test_an_id_that_comes_through_two_shards_at_once_is_stored_once(
    database_url: str, redis_url: str, days_later: int
) -> None:
    first, second = shards_of(2)
    again = [
        {**event, "source": SECOND, "timestamp": (START + timedelta(days_later, number)).isoformat()}
        for number, event in reversed(list(enumerate(events(6))))
    ]
    publish(redis_url, [{**event, "source": FIRST} for event in events(6)], shards=2)
    publish(redis_url, again, shards=2)
    with a_drain(database_url, redis_url, shard=first) as one, a_drain(database_url, redis_url, shard=second) as other:
        DayPartitions().ensure(one.connection, [START.date(), (START + timedelta(days_later)).date()], START.date())
        beside = threading.Thread(target=other.run_until_empty)

        def start() -> None:
            beside.start()  # it waits for the events that are just being inserted
            wait_until(lambda: somebody_waits_for_a_transaction(database_url), "the other drain waits")

        with while_waiting_for_the_turn(start):
            one.run_until_empty()
        beside.join(20)

        assert ledger(one.connection) == (6, 6, 6, 6)
        ids = one.connection.execute("select count(distinct event_id) from eventpulse.events").fetchone()
        assert ids == (6,)


def somebody_waits_for_a_transaction(database_url: str) -> bool:
    with open_connection(database_url, application="tests") as watching:
        query = "select exists (select from pg_locks where locktype = 'transactionid' and not granted)"
        return watching.execute(query).fetchone() == (True,)


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return Settings(
        _env_file=None,
        database_url=SecretStr(database_url),
        redis_url=SecretStr(redis_url),
        shards=2,
        lease_seconds=600,
        materialise_seconds=1,
    )


@contextmanager
def running(settings: Settings, *names: str) -> Iterator[list[RunInAThread]]:
    runs = [RunInAThread(name, settings) for name in names]
    try:
        yield [run.start() for run in runs]
    finally:
        for run in runs:
            run.end()


def leaders(engine: Engine) -> dict[int, str]:
    return {shard: one.run_id for one in everybody(engine) for shard in one.shards}


def test_two_leaders_share_a_standby_which_takes_the_place_of_the_one_that_dies(
    settings: Settings, database_url: str, redis_url: str, engine: Engine
) -> None:
    with running(settings, "a", "b", "c"), open_connection(database_url, application="tests") as connection:
        publish(redis_url, events(20), an_entry=4, shards=2)
        wait_until(lambda: ledger(connection)[0] == 20, "all events are stored")
        wait_until(lambda: len(leaders(engine)) == 2, "both shards are led")
        (standby,) = {"a", "b", "c"} - set(leaders(engine).values())
        dies = leaders(engine)[2]
        (backend,) = [one.backend_pid for one in everybody(engine) if one.run_id == dies]
        connection.execute("select pg_terminate_backend(%s)", (backend,))
        wait_until(lambda: leaders(engine).get(2) == standby, "the standby leads")
        publish(redis_url, events(20, first=20), an_entry=4, shards=2)
        wait_until(lambda: ledger(connection)[0] == 40, "all events are stored")


def test_leases_that_are_over_are_handed_to_the_standby_one_after_the_other(
    settings: Settings, database_url: str, redis_url: str, engine: Engine
) -> None:
    brief = settings.model_copy(update={"lease_seconds": 1})
    with running(brief, "a", "b", "c", "d"), open_connection(database_url, application="tests") as connection:
        for first in range(0, 60, 10):
            publish(redis_url, events(10, first=first), an_entry=5, shards=2)
        wait_until(lambda: ledger(connection)[0] == 60, "all events are stored")
        wait_until(lambda: len({*everybody(engine)}) == 2, "two have handed over and ended")
        assert sorted(leaders(engine)) == [1, 2]


@pytest.mark.parametrize(("before", "after"), [(4, 1), (1, 2), (2, 4)])
def test_what_waits_when_the_number_of_shards_changes_is_drained_by_those_of_the_new_layout(
    settings: Settings,
    database_url: str,
    redis_url: str,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    before: int,
    after: int,
) -> None:
    monkeypatch.setattr(adopt_shards, "LOOK_EVERY_SECONDS", 0.1)
    spread = [{**event, "source": f"host-{number % 13}"} for number, event in enumerate(events(120))]
    publish(redis_url, spread[:80], an_entry=10, shards=before)
    publish(redis_url, spread[40:], an_entry=10, shards=after)  # some of them again, by another way
    with (
        running(settings.model_copy(update={"shards": after}), *"abcd"[:after]),
        open_connection(database_url, application="tests") as connection,
        open_redis(redis_url) as client,
    ):
        wait_until(lambda: sum(ledger(connection)[:2]) == 160, "all events are taken")
        assert ledger(connection) == (120, 40, 120, 120)
        gone = [shard for shard in shards_of(before) if shard not in shards_of(after)]
        if gone:
            wait_until(lambda: not client.exists(*(shard.stream for shard in gone)), "the old streams are gone")
        others = [{**event, "event_id": str(UUID(int=1_000 + number))} for number, event in enumerate(spread)]
        publish(redis_url, others, shards=before)
        wait_until(lambda: ledger(connection)[0] == 240, "what comes by the old way is stored too")
    assert balance(engine, redis_url).holds
    assert balance(engine, redis_url).accepted == 280
