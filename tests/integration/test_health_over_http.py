"""GET /events/health, /livez and /readyz say how things are."""

import json
from datetime import timedelta
from typing import Any

import pytest
import redis
from fastapi.testclient import TestClient

from eventpulse.clock import iso_utc, utc_now
from eventpulse.stream.keys import WORKER_HEALTH


def heartbeat(redis_url: str, **changes: Any) -> None:
    said = {
        "run_id": "run-1",
        "shard": 0,
        "heartbeat_at": iso_utc(utc_now()),
        "lease_until": iso_utc(utc_now() + timedelta(minutes=5)),
        "lag_seconds": 0.01,
        "batches": 12,
        **changes,
    }
    with redis.Redis.from_url(redis_url) as client:
        client.set(WORKER_HEALTH, json.dumps(said))


def test_without_a_heartbeat_nobody_knows_the_worker(api: TestClient) -> None:
    answer = api.get("events/health")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "redis": "PONG",
        "worker": "unknown",
        "worker_heartbeat_at": None,
        "worker_lag_seconds": None,
        "dagster_run_id": None,
    }


@pytest.mark.parametrize(
    ("changes", "worker"),
    [
        ({}, "ok"),
        ({"lag_seconds": 11.0}, "degraded"),
        ({"lag_seconds": None}, "ok"),
        ({"heartbeat_at": iso_utc(utc_now() - timedelta(minutes=1))}, "degraded"),
        ({"heartbeat_at": "yesterday"}, "unknown"),
    ],
)
def test_the_worker_is_as_well_as_its_heartbeat(
    api: TestClient, redis_url: str, changes: dict[str, Any], worker: str
) -> None:
    heartbeat(redis_url, **changes)

    answer = api.get("events/health")

    assert (answer.status_code, answer.json()["worker"]) == (200, worker)


def test_probes_answer_with_and_without_the_base_path(api: TestClient) -> None:
    for path in ("/livez", "/api/v1/livez"):
        assert api.get(f"http://127.0.0.1{path}").json() == {"status": "ok"}
    for path in ("/readyz", "/api/v1/readyz"):
        answer = api.get(f"http://127.0.0.1{path}")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok", "redis": "ok", "database": "ok"})
