"""A drain keeps alerts in step with what it finds, whatever batches the events come in and whoever drains."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from eventpulse.database.connect import open_connection
from tests.draining import a_drain, publish, save_rule

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
ENOUGH = 1_000_000


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
