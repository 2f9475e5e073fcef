"""An anomaly that stands although a late event came says what one evaluation over all stored events says."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.draining import a_drain, current_anomalies, publish, save_rule

START = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
MANY = {
    "name": "many",
    "severity": "info",
    "window_seconds": 60,
    "cooldown_seconds": 10,
    "condition": {"type": "threshold", "metric": "count", "operator": ">", "value": 2},
}


def at(*seconds: int) -> list[dict[str, Any]]:
    return [
        {"event_id": str(UUID(int=second + 1)), "timestamp": (START + timedelta(seconds=second)).isoformat()}
        for second in seconds
    ]


def test_value_and_contributing_events_follow_a_late_event_and_nothing_is_found_anew(
    database_url: str, redis_url: str
) -> None:
    save_rule(database_url, MANY)
    publish(redis_url, at(0, 10, 20, 30, 31))
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
        assert [(row[2], row[4]) for row in current_anomalies(drain.connection)] == [
            (START + timedelta(seconds=20), 3.0),
            (START + timedelta(seconds=30), 4.0),
        ]
        found = drain.tally.anomalies

        publish(redis_url, at(25))
        drain.run_until_empty()

        assert [(row[2], row[4], row[5]) for row in current_anomalies(drain.connection)] == [
            (START + timedelta(seconds=20), 3.0, 3),
            (START + timedelta(seconds=30), 5.0, 5),
        ]
        assert (drain.tally.anomalies, drain.tally.retracted) == (found, 0)
        row = drain.connection.execute(
            "select message, contributing::text[] from eventpulse.anomalies order by occurred_at desc limit 1"
        ).fetchone()
        assert row is not None
        assert "5" in row[0]
        assert row[1] == [str(UUID(int=second + 1)) for second in (0, 10, 20, 25, 30)]


def test_a_standby_that_takes_over_changes_what_its_predecessor_said(database_url: str, redis_url: str) -> None:
    save_rule(database_url, MANY)
    publish(redis_url, at(0, 10, 20))
    with a_drain(database_url, redis_url) as leader, a_drain(database_url, redis_url) as standby:
        leader.run_until_empty()
        standby.detector.follow()
        publish(redis_url, at(5))
        standby.run_until_empty()

        assert [(row[2], row[4]) for row in current_anomalies(standby.connection)] == [
            (START + timedelta(seconds=10), 3.0),
            (START + timedelta(seconds=20), 4.0),
        ]
