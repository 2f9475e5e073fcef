"""A drain keeps alerts in step with what it finds, whatever batches the events come in and whoever drains."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from eventpulse.database.connect import open_connection
from tests.draining import PowerCut, SteppedDrain, a_drain, publish, save_rule

RULE = {
    "rule_id": "8b0f6c1e-0000-4000-8000-000000000001",
    "name": "failed logins",
    "severity": "critical",
    "window_seconds": 60,
    "cooldown_seconds": 30,
    "group_by": ["payload.ip"],
    "labels": {"team": "security"},
    "condition": {
        "type": "threshold",
        "metric": "count",
        "operator": ">",
        "value": 2,
        "filters": {"event_type": "login"},
    },
}
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with open_connection(database_url, application="tests") as connection:
        yield connection


def logins(*seconds: float, ip: str = "10.0.0.1", kind: str = "login") -> list[dict[str, Any]]:
    return [
        {
            "event_id": str(UUID(int=(1 << 100) + hash((second, ip, kind)) % (1 << 60))),
            "event_type": kind,
            "timestamp": (START + timedelta(seconds=second)).isoformat(),
            "payload": {"ip": ip},
        }
        for second in seconds
    ]


def alerts(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    """Every alert with anomalies: address, state, resolution, seconds of its first and last anomaly and its end."""
    rows = connection.execute(
        """
        select "group"->>'payload.ip', state, resolution, opened_at, last_at, ended_at, anomaly_count,
            (select count(*) from eventpulse.anomalies n where n.alert_id = a.alert_id and n.state = 'current')
        from eventpulse.alerts a where anomaly_count > 0 order by 1, opened_at
        """
    ).fetchall()
    assert all(row[6] == row[7] for row in rows), "an alert counts the anomalies that point to it"
    return [(*row[:3], *(at and (at - START).total_seconds() for at in row[3:6]), row[6]) for row in rows]


def history(connection: psycopg.Connection) -> list[str]:
    return [what for (what,) in connection.execute("select what from eventpulse.alert_history order by history_id")]


def outbox(connection: psycopg.Connection) -> list[tuple[str, str]]:
    return connection.execute("select what, origin from eventpulse.outbox order by outbox_id").fetchall()


def test_an_alert_opens_gathers_and_ends_with_its_condition(
    database_url: str, redis_url: str, connection: psycopg.Connection
) -> None:
    clock = Clock()
    save_rule(database_url, RULE)
    with a_drain(database_url, redis_url, clock=clock) as drain:
        publish(redis_url, logins(0, 10, 20))
        drain.run_until_empty()
        assert alerts(connection) == [("10.0.0.1", "open", None, 20, 20, None, 1)]

        publish(redis_url, logins(50))
        drain.run_until_empty()
        assert alerts(connection) == [("10.0.0.1", "open", None, 20, 50, None, 2)]

        publish(redis_url, logins(85, ip="10.0.0.2"))  # ten seconds past the end, and it is another's event that tells
        drain.run_until_empty()
        assert alerts(connection) == [("10.0.0.1", "resolved", "ended", 20, 50, 70, 2)]
    assert history(connection) == ["opened", "resolved"]
    assert outbox(connection) == [("opened", "live"), ("resolved", "live")]


def stored(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    """Alerts without how they came about."""
    return [(address, *rest) for address, _, _, *rest in alerts(connection)]


def a_day_of_logins() -> list[dict[str, Any]]:
    """Bursts of three addresses, with pauses of all lengths between them."""
    bursts = [(0, 5), (70, 4), (200, 3), (230, 2), (400, 7), (430, 1), (520, 6)]
    return [
        event
        for number in range(3)
        for start, count in bursts
        for event in logins(*(start + 7 * number + 3 * each for each in range(count)), ip=f"10.0.0.{number}")
    ]


@pytest.mark.parametrize("batch_events", [1, 7])
def test_neither_cuts_nor_order_of_arrival_change_which_alerts_there_are(
    database_url: str, redis_url: str, connection: psycopg.Connection, batch_events: int
) -> None:
    clock = Clock()
    save_rule(database_url, RULE)
    events = a_day_of_logins()
    publish(redis_url, sorted(events, key=lambda event: str(event["timestamp"])))
    with a_drain(database_url, redis_url, clock=clock) as drain:
        drain.run_until_empty()
        end_everything(drain, clock)
    whole = alerts(connection)
    assert len(whole) > 6 and all(row[2] == "ended" for row in whole)
    connection.execute("truncate eventpulse.events, eventpulse.event_ids, eventpulse.anomalies, eventpulse.alerts")
    connection.execute("truncate eventpulse.rule_progress")

    publish(redis_url, sorted(events, key=lambda event: str(event["event_id"])), an_entry=batch_events)
    with a_drain(database_url, redis_url, clock=clock, batch_events=batch_events) as drain:
        drain.run_until_empty()
        end_everything(drain, clock)

    assert alerts(connection) == whole
    retracted = "select count(*) from eventpulse.alerts where resolution = 'retracted' and anomaly_count <> 0"
    assert connection.execute(retracted).fetchone() == (0,)
    loose = "select count(*) from eventpulse.anomalies where (state = 'current') <> (alert_id is not null)"
    assert connection.execute(loose).fetchone() == (0,), "what stands is in an alert, and nothing else is"


def end_everything(drain: SteppedDrain, clock: Clock) -> None:
    clock.now = max(clock.now, START) + timedelta(hours=1)
    drain.run_until_empty()


def test_a_successor_goes_on_with_the_alerts_of_a_drain_that_was_killed(
    database_url: str, redis_url: str, connection: psycopg.Connection
) -> None:
    clock = Clock()
    save_rule(database_url, RULE)
    publish(redis_url, logins(0, 10, 20))
    with a_drain(database_url, redis_url, clock=clock, cut_before="acknowledge") as drain, pytest.raises(PowerCut):
        drain.run_until_empty()
    assert alerts(connection) == [("10.0.0.1", "open", None, 20, 20, None, 1)]

    publish(redis_url, logins(50, 85))
    with a_drain(database_url, redis_url, clock=clock) as drain:
        drain.run_until_empty()
        clock.now += timedelta(minutes=5)
        drain.run_until_empty()

    assert alerts(connection) == [("10.0.0.1", "resolved", "ended", 20, 50, 70, 2)]
    assert history(connection) == ["opened", "resolved"]


def test_late_events_join_two_alerts_into_one(
    database_url: str, redis_url: str, connection: psycopg.Connection
) -> None:
    clock = Clock()
    save_rule(database_url, {**RULE, "window_seconds": 10, "cooldown_seconds": 0})
    publish(redis_url, logins(0, 1, 2, 14, 15, 16, 100))
    with a_drain(database_url, redis_url, clock=clock) as drain:
        drain.run_until_empty()
        apart = [("10.0.0.1", "resolved", "ended", 2, 2, 10, 1), ("10.0.0.1", "resolved", "ended", 16, 16, 24, 1)]
        assert alerts(connection) == apart

        publish(redis_url, logins(5, 8, 11))
        drain.run_until_empty()

        assert stored(connection) == [("10.0.0.1", 2, 16, 24, 7)]
        resolutions = "select resolution, count(*) from eventpulse.alerts group by 1 order by 1"
        assert connection.execute(resolutions).fetchall() == [("ended", 1), ("retracted", 1)]


def test_an_alert_without_anomalies_is_retracted(
    database_url: str, redis_url: str, connection: psycopg.Connection
) -> None:
    steps = [
        {"name": "in", "filters": {"event_type": "login"}},
        {"name": "out", "filters": {"event_type": "logout"}, "absent": True},
    ]
    condition = {"type": "sequence", "steps": steps}
    save_rule(database_url, {**RULE, "window_seconds": 10, "condition": condition})
    publish(redis_url, [*logins(0), *logins(16, ip="10.0.0.2")])
    with a_drain(database_url, redis_url, clock=Clock()) as drain:
        drain.run_until_empty()
        [(address, state, *_)] = alerts(connection)
        assert (address, state) == ("10.0.0.1", "open")

        publish(redis_url, logins(5, kind="logout"))
        drain.run_until_empty()

    assert alerts(connection) == []
    resolved = "select state, resolution, anomaly_count from eventpulse.alerts"
    assert connection.execute(resolved).fetchall() == [("resolved", "retracted", 0)]
    assert outbox(connection) == [("opened", "live"), ("resolved", "live")]


def test_what_a_person_resolved_gathers_nothing_more(
    database_url: str, redis_url: str, connection: psycopg.Connection
) -> None:
    save_rule(database_url, RULE)
    publish(redis_url, logins(0, 10, 20))
    with a_drain(database_url, redis_url, clock=Clock()) as drain:
        drain.run_until_empty()
        connection.execute(
            "update eventpulse.alerts set state = 'resolved', resolution = 'person', resolved_at = now()"
        )
        publish(redis_url, logins(40))  # still the same true interval; the cooldown holds anomalies up
        drain.run_until_empty()
        publish(redis_url, logins(50))
        drain.run_until_empty()
    assert alerts(connection) == [
        ("10.0.0.1", "resolved", "person", 20, 20, None, 1),
        ("10.0.0.1", "open", None, 50, 50, None, 1),
    ]


@pytest.mark.parametrize("change", [{"enabled": False}, {"window_seconds": 30}, {"severity": "info"}])
def test_alerts_of_a_rule_that_is_gone_are_resolved(
    database_url: str, redis_url: str, connection: psycopg.Connection, change: dict[str, Any]
) -> None:
    save_rule(database_url, RULE)
    publish(redis_url, logins(0, 10, 20))
    with a_drain(database_url, redis_url, clock=Clock()) as drain:
        drain.run_until_empty()
        save_rule(database_url, {**RULE, **change})
        drain.run_until_empty()
    [(_, state, resolution, *_)] = alerts(connection)
    means_the_same = "severity" in change
    assert (state, resolution) == (("open", None) if means_the_same else ("resolved", "rule_removed"))


def test_ten_thousand_alerts_open_in_one_micro_batch(
    database_url: str, redis_url: str, connection: psycopg.Connection
) -> None:
    match = {"type": "match", "filters": {"event_type": "login"}}
    save_rule(database_url, {**RULE, "window_seconds": 60, "condition": match})
    many = 10_000
    publish(redis_url, (logins(0, ip=f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}")[0] for n in range(many)), an_entry=many)
    with a_drain(database_url, redis_url, clock=Clock()) as drain:
        drain.run_until_empty()
        assert drain.tally.alerts == many
    assert connection.execute("select state, count(*) from eventpulse.alerts group by 1").fetchall() == [("open", many)]
    assert len(outbox(connection)) == many
