"""Redis hangs, refuses, dies and comes back: clients hear it at once, nothing is half taken or restarted."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from fastapi.testclient import TestClient
from pydantic import SecretStr

from eventpulse.embedded.ports import choose_free_port
from eventpulse.embedded.running import running
from eventpulse.embedded.valkey import prepare_redis, redis_url
from eventpulse.settings import Settings
from eventpulse.stream.accept import accept_now
from eventpulse.stream.connect import open_redis
from eventpulse.stream.keys import EVENTS_STREAM
from eventpulse.stream.reader import StreamReader
from ingest_api.app import create_app

EVENT = {"event_type": "page_view", "source": "web", "timestamp": "2026-01-31T10:00:00Z"}


@dataclass
class OwnRedis:
    """A server of this test alone, which can be taken away and brought back."""

    folder: Path
    port: int

    def __post_init__(self) -> None:
        self._running: Any = None

    def start(self) -> None:
        self._running = running(prepare_redis(self.folder, self.port), self.folder / "log")
        self.child = self._running.__enter__()

    def stop(self) -> None:
        self._running.__exit__(None, None, None)

    def signal(self, number: int) -> None:
        os.kill(self.child.process_id, number)

    @property
    def url(self) -> str:
        return redis_url(self.folder, self.port)

    def client(self) -> "redis.Redis":
        return redis.Redis.from_url(self.url)

    def events(self) -> int:
        with self.client() as client:
            entries: Any = client.xrange(EVENTS_STREAM)
        return sum(int(fields[b"count"]) for _, fields in entries)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path / "redis", choose_free_port())
    server.folder.mkdir()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def api(own_redis: OwnRedis) -> Iterator[TestClient]:
    settings = Settings(
        _env_file=None,
        redis_url=SecretStr(own_redis.url),
        database_url=SecretStr("postgresql://nobody@127.0.0.1:1/none"),
        backlog_bytes=1 << 20,
        backlog_events=1_000,
    )
    with TestClient(create_app(settings), base_url="http://127.0.0.1/api/v1/") as client:
        yield client


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def refused(api: TestClient, reason: str, status: int = 503) -> None:
    for answer in (api.post("events", json=EVENT), api.post("events/batch", json=[EVENT] * 10)):
        assert answer.status_code == status
        assert answer.json().keys() == {"error"}
        assert reason in answer.json()["error"]
        assert int(answer.headers["retry-after"]) >= 1


def test_a_server_that_dies_is_missed_at_once_and_welcome_again(api: TestClient, own_redis: OwnRedis) -> None:
    assert api.post("events", json=EVENT).status_code == 202
    own_redis.signal(signal.SIGKILL)
    own_redis.stop()

    refused(api, "Redis")
    health = api.get("events/health")
    assert health.status_code == 503
    assert health.json()["status"] == "degraded"
    assert health.json()["redis"] == "unreachable"
    assert health.json()["worker"] == "unknown"

    own_redis.start()
    assert api.post("events", json=EVENT).status_code == 202
    assert own_redis.events() == 2
    until(lambda: api.get("events/health").json()["redis"] == "PONG")


def test_a_server_that_hangs_is_not_waited_for(api: TestClient, own_redis: OwnRedis) -> None:
    assert api.post("events", json=EVENT).status_code == 202
    own_redis.signal(signal.SIGSTOP)

    refused(api, "no answer in time")
    assert api.get("events/health").status_code == 503
    assert api.get("readyz").json()["redis"] == "unreachable"

    own_redis.signal(signal.SIGCONT)
    assert api.post("events", json=EVENT).status_code == 202


@pytest.mark.parametrize(
    ("config", "word"), [({"maxmemory": "1"}, "maxmemory"), ({"min-replicas-to-write": "1"}, "NOREPLICAS")]
)
def test_a_server_that_refuses_writes_is_believed(
    api: TestClient, own_redis: OwnRedis, config: dict[str, str], word: str
) -> None:
    with own_redis.client() as client:
        for name, value in config.items():
            client.config_set(name, value)
        refused(api, word)
        for name in config:
            client.config_set(name, "0")

    assert own_redis.events() == 0
    assert api.post("events", json=EVENT).status_code == 202


def test_a_replica_that_may_not_be_written_is_believed(api: TestClient, own_redis: OwnRedis) -> None:
    with own_redis.client() as client:
        client.replicaof("127.0.0.1", 1)
        refused(api, "read only replica")
        client.replicaof("NO", "ONE")

    assert api.post("events", json=EVENT).status_code == 202


@pytest.mark.parametrize(("events", "size"), [(1, 2 << 20), (1_001, 10)])
def test_a_full_backlog_refuses_until_it_has_been_drained(
    api: TestClient, own_redis: OwnRedis, events: int, size: int
) -> None:
    with open_redis(own_redis.url) as client:
        accept_now(client, b"x" * size, events)
        until(lambda: api.post("events", json=EVENT).status_code == 429)
        taken = own_redis.events()
        refused(api, "The backlog is full", 429)
        assert own_redis.events() == taken

        reader = StreamReader(client)
        reader.prepare()
        reader.acknowledge(reader.take(max_events=10_000, max_bytes=10 << 20, block_milliseconds=10))
        until(lambda: api.post("events", json=EVENT).status_code == 202)

    assert own_redis.events() == 1


def test_without_postgresql_events_are_taken_and_questions_answered_with_503(api: TestClient) -> None:
    assert api.post("events", json=EVENT).status_code == 202
    for path in ("events", f"events/{'0' * 8}-0000-0000-0000-{'0' * 12}", "anomalies", "rules", "metrics"):
        answer = api.get(path)
        assert answer.status_code == 503, path
        assert answer.json() == {"error": "PostgreSQL does not answer now; try again later."}
        assert answer.headers["retry-after"] == "1"
    ready = api.get("/readyz")
    assert (ready.status_code, ready.json()) == (
        503,
        {"status": "unavailable", "redis": "ok", "database": "unreachable"},
    )
    assert api.get("/livez").json() == {"status": "ok"}
