"""A drain whose connection breaks knows what it knew, and finds out what became of the batch it had in hand."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.draining import PowerCut, a_drain, current_anomalies, publish, save_rule

START = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
RULE = {
    "name": "many",
    "severity": "info",
    "window_seconds": 60,
    "condition": {"type": "threshold", "metric": "count", "operator": ">", "value": 5},
}


def events(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        {"event_id": str(UUID(int=number + 1)), "timestamp": (START + timedelta(seconds=number)).isoformat()}
        for number in range(first, first + count)
    ]


def cut(*anything: object) -> None:
    raise PowerCut


@pytest.mark.parametrize("point", ["pipelines.live.find_anomalies.Detector.keep", "pipelines.live.store_batch.write"])
def test_whether_its_last_batch_was_committed_or_not_it_goes_on_without_a_gap(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    save_rule(database_url, RULE)
    with a_drain(database_url, redis_url) as drain:
        publish(redis_url, events(4))
        drain.run_until_empty()
        publish(redis_url, events(4, first=4))
        with monkeypatch.context() as patch, pytest.raises(PowerCut):
            patch.setattr(point, cut)
            drain.run_until_empty()
        knew = drain.detector
    publish(redis_url, events(4, first=8))

    with a_drain(database_url, redis_url, detector=knew) as drain:
        drain.run_until_empty()

        assert [row[4] for row in current_anomalies(drain.connection)] == [float(number) for number in range(6, 13)]
        row = drain.connection.execute("select sum(taken), sum(stored) from eventpulse.batches").fetchone()
        assert row == (12, 12)


def test_it_reads_only_what_came_since(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    save_rule(database_url, RULE)
    with a_drain(database_url, redis_url) as drain:
        publish(redis_url, events(4))
        drain.run_until_empty()
        knew = drain.detector
        drain.connection.close()
        with pytest.raises(psycopg.OperationalError):
            drain.drain.step()
    with a_drain(database_url, redis_url) as other:
        publish(redis_url, events(4, first=4))
        other.run_until_empty()

    monkeypatch.setattr("pipelines.live.find_anomalies.build_memory", cut)
    with a_drain(database_url, redis_url, detector=knew) as drain:
        publish(redis_url, events(1, first=8))
        drain.run_until_empty()

        assert [row[4] for row in current_anomalies(drain.connection)] == [6.0, 7.0, 8.0, 9.0]
