"""What docker-compose.yml runs, in its order and with its health checks, carries an event until it is stored."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import psycopg
import pytest
from sqlalchemy import make_url

from eventpulse.embedded.ports import choose_free_port
from eventpulse.settings import PROJECT_ROOT
from tests.composed import Composed, read_compose

CHOSEN = {
    "EVENTPULSE_POSTGRES_PASSWORD": "postgres-password",
    "EVENTPULSE_REDIS_PASSWORD": "redis-password",
    "EVENTPULSE_SESSION_SECRET": "s" * 40,
}


@pytest.fixture
def composed(postgresql_server: str, redis_url: str, tmp_path: Path) -> Iterator[Composed]:
    """The services against an empty database and an empty Redis of this machine."""
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute("create database composed")
    server, stream = make_url(postgresql_server), make_url(redis_url)
    ports = {there: str(choose_free_port()) for there in ("3000", "3001", "3002")}
    (tmp_path / "dagster").mkdir()
    shutil.copyfile(PROJECT_ROOT / "dagster.yaml", tmp_path / "dagster" / "dagster.yaml")
    yield Composed(
        read_compose(CHOSEN)["services"],
        {
            "//eventpulse:postgres-password@postgres:5432/eventpulse": (
                f"//{server.username}:{server.password}@{server.host}:{server.port}/composed"
            ),
            "//:redis-password@redis:6379/": f"//:{stream.password or ''}@{stream.host}:{stream.port}/",
            "code-server": "127.0.0.1",
            "webserver:": "127.0.0.1:",
            "/app": str(PROJECT_ROOT),
            **ports,
        },
        tmp_path,
    )
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute("drop database composed with (force)")


def wait_for(what: str, look: Callable[[], object], *, within: float = 90) -> None:
    deadline = time.monotonic() + within
    while not look():
        assert time.monotonic() < deadline, f"Waited in vain for {what}."
        time.sleep(0.3)


def end(processes: Iterable["subprocess.Popen[bytes]"]) -> None:
    """As `docker compose stop` does, through tini: a signal for each whole group, and then a harder one."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, kind)
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)


def test_started_in_their_order_the_services_take_and_store_an_event(composed: Composed) -> None:
    migrated = composed.run("migrate")
    assert migrated.returncode == 0, migrated.stderr
    key = composed.run("migrate", "eventpulse", "keys", "create", "first", "--scope", "admin").stdout.strip()

    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for stage in (["code-server", "api"], ["daemon", "webserver"]):
            for service in stage:
                started[service] = composed.start(service)
            for service in stage:
                wait_for(f"{service} to be healthy", lambda name=service: composed.is_healthy(name))  # type: ignore[misc]
        api = f"http://127.0.0.1:{composed.environment('api')['PORT']}/api/v1"
        headers = {"authorization": f"Bearer {key}"}
        event = {"event_type": "first", "source": "test", "timestamp": "2026-01-31T00:00:00Z"}
        assert httpx2.post(f"{api}/events", json=event).status_code == 401
        assert httpx2.post(f"{api}/events", json=event, headers=headers).status_code == 202
        wait_for(
            "the event to be stored",
            lambda: httpx2.get(f"{api}/events?event_type=first", headers=headers).json()["data"],
        )
        assert all(process.poll() is None for process in started.values())
    finally:
        end(started.values())
