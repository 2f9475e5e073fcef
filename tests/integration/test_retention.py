"""What is old goes, by the time it was received; what is young stays; and the drain goes on meanwhile."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from eventpulse.database.connect import open_connection
from eventpulse.database.events import retention
from eventpulse.database.events.partitions import existing_days
from eventpulse.database.events.retention import (
    count_open_dead_letters,
    remove_alerts,
    remove_anomalies,
    remove_batches,
    remove_dead_letters,
    remove_events,
)
from tests.draining import a_drain, a_line, current_anomalies, publish_lines, save_rule

DAY = timedelta(days=1)
START = datetime(2026, 1, 10, 23, 59, tzinfo=UTC)
LONG_AGO = datetime(2026, 2, 1, tzinfo=UTC)
RULE = {
    "name": "any",
    "severity": "info",
    "window_seconds": 60,
    "condition": {"type": "match", "filters": {"event_type": "tick"}},
}


def lines(first: int, *instants: datetime) -> list[bytes]:
    ids = (f"00000000-0000-4000-8000-{first + index:012}" for index in range(len(instants)))
    return [a_line({"event_id": i, "timestamp": at.isoformat()}) for i, at in zip(ids, instants, strict=True)]


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with open_connection(database_url, application="tests") as connection:
        yield connection


@pytest.fixture
def drained(database_url: str, redis_url: str, connection: psycopg.Connection) -> Any:
    """Drains events in one micro-batch, committed now or long ago."""

    def drain(*events: bytes, long_ago: bool = False) -> None:
        publish_lines(redis_url, [events])
        with a_drain(database_url, redis_url) as drain:
            drain.run_until_empty()
        if long_ago:
            newest = "(select max(batch_id) from eventpulse.batches)"
            connection.execute(
                f"update eventpulse.batches set committed_at = %s where batch_id = {newest}", (LONG_AGO,)
            )

    return drain


def stored(connection: psycopg.Connection) -> list[datetime]:
    return [at for (at,) in connection.execute('select "timestamp" from eventpulse.events order by 1')]


def counted(connection: psycopg.Connection) -> bool:
    """Whether the counts by minute are those of the stored events."""
    of_events = connection.execute(
        "select date_trunc('minute', \"timestamp\"), event_type, source, count(*) from eventpulse.events"
        " group by 1, 2, 3"
    )
    kept = connection.execute("select minute, event_type, source, count from eventpulse.event_rollups")
    return sorted(of_events.fetchall()) == sorted(kept.fetchall())


def ids_are_those_of_events(connection: psycopg.Connection) -> bool:
    events = connection.execute("select event_id from eventpulse.events order by 1").fetchall()
    return events == connection.execute("select event_id from eventpulse.event_ids order by 1").fetchall()


def test_a_day_whose_events_were_all_received_before_the_limit_goes_whole(
    connection: psycopg.Connection, drained: Any
) -> None:
    drained(*lines(1, START, START, START + DAY), long_ago=True)
    drained(*lines(10, START + DAY, START + 2 * DAY))

    removed, dropped = remove_events(connection, LONG_AGO + timedelta(hours=1))

    assert (removed, dropped) == (3, [START.date()])
    assert stored(connection) == [START + DAY, START + 2 * DAY]
    assert existing_days(connection) == {date(2026, 1, 11), date(2026, 1, 12)}
    assert counted(connection)
    assert ids_are_those_of_events(connection)


def test_old_events_among_young_ones_go_in_portions(
    connection: psycopg.Connection, drained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "PORTION", 3)
    drained(*lines(1, *[START] * 10), long_ago=True)
    drained(*lines(20, START, START))

    assert remove_events(connection, LONG_AGO + timedelta(hours=1)) == (10, [])
    assert len(stored(connection)) == 2
    assert counted(connection)
    assert ids_are_those_of_events(connection)
    assert remove_events(connection, LONG_AGO + timedelta(hours=1)) == (0, [])


def test_what_went_may_come_again_and_what_stays_may_not(connection: psycopg.Connection, drained: Any) -> None:
    drained(*lines(1, START), long_ago=True)
    drained(*lines(2, START + 3 * DAY))
    remove_events(connection, LONG_AGO + timedelta(hours=1))

    drained(*lines(1, START, START))

    assert stored(connection) == [START, START + 3 * DAY]
    assert ids_are_those_of_events(connection)


def test_nothing_young_goes_whatever_time_it_is_about(connection: psycopg.Connection, drained: Any) -> None:
    drained(*lines(1, START - 3_000 * DAY, START))

    assert remove_events(connection, LONG_AGO) == (0, [])
    assert len(stored(connection)) == 2


def test_a_drain_goes_on_when_a_day_goes_under_it(
    connection: psycopg.Connection, drained: Any, database_url: str, redis_url: str
) -> None:
    with a_drain(database_url, redis_url) as drain:
        publish_lines(redis_url, [lines(1, START)])
        drain.run_until_empty()
        connection.execute("update eventpulse.batches set committed_at = %s", (LONG_AGO,))
        assert remove_events(connection, LONG_AGO + timedelta(hours=1)) == (1, [START.date()])

        publish_lines(redis_url, [lines(2, START, START)])
        drain.run_until_empty()

    assert stored(connection) == [START, START]
    assert counted(connection)
    connection.execute("update eventpulse.batches set committed_at = %s", (LONG_AGO,))
    assert remove_events(connection, LONG_AGO + timedelta(hours=1))[0] == 2
    assert counted(connection)


def test_an_event_that_comes_in_while_its_day_is_looked_through_is_kept(
    connection: psycopg.Connection, drained: Any, database_url: str
) -> None:
    """A writer holds a row of the day that is not committed yet; dropping waits, looks again, and lets the day be."""
    drained(*lines(1, START), long_ago=True)
    with open_connection(database_url, application="tests") as writer:
        writer.execute("begin")
        writer.execute(
            'insert into eventpulse.events (event_id, event_type, source, "timestamp", received_at, position, batch_id,'
            " origin, payload, metadata)"
            " values (gen_random_uuid(), 'tick', 'tests', %s, now(), 1, 999, 'live', '{}', '{}')",
            (START,),
        )
        result: list[Any] = []
        cleaner = threading.Thread(
            target=lambda: result.append(remove_events(connection, LONG_AGO + timedelta(hours=1)))
        )
        cleaner.start()
        deadline = datetime.now(UTC) + timedelta(seconds=20)
        waiting = "select count(*) from pg_locks where not granted and relation = 'eventpulse.events'::regclass"
        while not writer.execute(waiting).fetchone()[0]:  # type: ignore[index]
            assert datetime.now(UTC) < deadline
        writer.execute("commit")
        cleaner.join()

    assert result == [(1, [])]
    assert stored(connection) == [START]


def test_anomalies_go_by_when_they_were_detected(
    connection: psycopg.Connection, drained: Any, database_url: str
) -> None:
    save_rule(database_url, RULE)
    drained(*lines(1, START))
    connection.execute("update eventpulse.anomalies set detected_at = %s", (LONG_AGO,))
    drained(*lines(2, START))
    assert len(current_anomalies(connection)) == 2

    assert remove_anomalies(connection, LONG_AGO) == 0
    assert remove_anomalies(connection, LONG_AGO + timedelta(microseconds=1)) == 1
    assert len(current_anomalies(connection)) == 1


def test_micro_batches_go_but_never_the_one_that_tells_where_the_stream_was_left(
    connection: psycopg.Connection, drained: Any, database_url: str, redis_url: str
) -> None:
    for first in (1, 2, 3):
        drained(*lines(first, START), long_ago=True)

    assert remove_batches(connection, datetime.now(UTC)) == 2
    drained(*lines(4, START))
    row = connection.execute("select sum(taken), sum(stored), sum(missing) from eventpulse.ledger_days").fetchone()
    assert row == (4, 4, 0)


def test_closed_dead_letters_go_and_open_ones_stay(connection: psycopg.Connection, drained: Any) -> None:
    drained(b"one", b"two")
    connection.execute(
        "update eventpulse.dead_letters set state = 'discarded', closed_at = %s where line = 0", (LONG_AGO,)
    )
    now = datetime.now(UTC) + timedelta(seconds=1)

    assert remove_dead_letters(connection, now) == 1
    assert remove_dead_letters(connection, now) == 0
    assert count_open_dead_letters(connection, now) == 1


def test_alerts_resolved_long_ago_go_with_all_that_belongs_to_them(
    connection: psycopg.Connection, drained: Any, database_url: str
) -> None:
    save_rule(database_url, RULE)
    drained(*lines(1, START, START + DAY))
    connection.execute(
        "update eventpulse.alerts set state = 'resolved', resolution = 'ended', resolved_at = %s where opened_at = %s",
        (LONG_AGO, START),
    )
    connection.execute("update eventpulse.alerts set created_at = %s", (LONG_AGO,))

    assert remove_alerts(connection, LONG_AGO + DAY) == 1

    for table in ("alerts", "alert_history", "outbox"):
        left = connection.execute(f"select count(distinct alert_id) from eventpulse.{table}").fetchone()
        assert left == (1,), "what goes on stays, however old it is"
