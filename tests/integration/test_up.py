"""`eventpulse up`, as a person runs it: everything starts, answers, survives and goes away together."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from eventpulse.embedded.leftovers import MARK, end_leftovers
from eventpulse.embedded.ports import choose_free_port

PORTS = ("PORT", "EVENTPULSE_DAGSTER_PORT", "EVENTPULSE_CODE_PORT", "EVENTPULSE_POSTGRES_PORT", "EVENTPULSE_REDIS_PORT")
#: Each process that `up` starts, and words of its command line.
PARTS = {
    "api": "-m ingest_api",
    "dagster-code-server": "dagster api grpc",
    "dagster-daemon": "dagster._daemon",
    "dagster-webserver": "dagster_webserver",
    "redis": "valkey-server",
    "postgresql": "postgres -D",
}
#: Generous, because other tests run beside this one. Nothing here depends on how long it takes.
PATIENCE_SECONDS = 240.0


class Installation:
    """One installation of EventPulse: a home folder, its ports, and the `eventpulse up` that runs there."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.variables = {name: str(choose_free_port()) for name in PORTS} | {"EVENTPULSE_HOME": str(home)}
        self.output = home.with_suffix(".out")
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> "subprocess.Popen[bytes]":
        with self.output.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "eventpulse", "up"],
                env={**os.environ, **self.variables},
                cwd=self.home.parent,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def start(self) -> None:
        self.process = process = self.command()
        wait_for(lambda: "is ready" in self.said or process.poll() is not None)
        assert process.poll() is None, self.said

    @property
    def said(self) -> str:
        return self.output.read_text()

    @property
    def processes(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, words: str) -> psutil.Process:
        return next(process for process in self.processes if words in command_line(process))

    def ask(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.variables['PORT']}{path}", data, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def send_an_event(self) -> str:
        event = {"event_type": "page_view", "source": "web", "timestamp": datetime.now(UTC).isoformat()}
        return str(self.ask("/api/v1/events", event)["event_id"])

    def has_stored(self, event_id: str) -> bool:
        with suppress(OSError):
            return bool(self.ask(f"/api/v1/events/{event_id}")["event_id"] == event_id)
        return False

    def takes_an_event(self) -> bool:
        with suppress(OSError):
            event_id = self.send_an_event()
            wait_for(lambda: self.has_stored(event_id))
            return True
        return False

    def has_another(self, words: str, former: psutil.Process) -> bool:
        with suppress(psutil.Error, StopIteration):
            return self.child(words).pid != former.pid
        return False


def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def command_line(process: psutil.Process) -> str:
    """What a process was started with; nothing where it has ended since it was listed."""
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


def running(processes: list[psutil.Process]) -> list[psutil.Process]:
    alive = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
    return alive


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path / "home")
    yield installation
    if installation.process is not None:
        installation.process.kill()
        installation.process.wait()
    end_leftovers(installation.home)


def test_a_day_of_an_installation(installation: Installation) -> None:
    """It starts, takes an event, keeps its secrets, refuses a second one, and goes without a trace."""
    installation.start()
    event_id = installation.send_an_event()
    wait_for(lambda: installation.has_stored(event_id))

    announced = (installation.home / "running.env").read_text()
    secrets = set(re.findall(r":([\w-]{20,})@", announced))
    assert len(secrets) == 2
    for secret in secrets:
        assert not [each for each in installation.processes if secret in command_line(each)]
        assert not [log for log in (installation.home / "logs").iterdir() if secret in log.read_text()]

    second = Installation(installation.home)
    second.output = installation.home.with_suffix(".second")
    assert second.command().wait(PATIENCE_SECONDS) == 1
    assert f"EventPulse already runs in {installation.home}" in second.said

    assert installation.process is not None
    processes = installation.processes
    installation.process.send_signal(signal.SIGTERM)
    assert installation.process.wait(PATIENCE_SECONDS) == 0, installation.said
    assert running(processes) == []
    assert not (installation.home / "running.env").exists()
    assert "superseded" not in installation.said and "Warning" not in installation.said


def test_an_installation_that_was_killed_comes_back_with_its_events(installation: Installation) -> None:
    installation.start()
    event_id = installation.send_an_event()
    assert installation.process is not None
    installation.process.kill()
    installation.process.wait()

    installation.start()

    wait_for(lambda: installation.has_stored(event_id))


def test_each_part_that_is_killed_comes_back_and_events_are_taken_again(installation: Installation) -> None:
    installation.start()
    for part, words in PARTS.items():
        killed = installation.child(words)
        killed.kill()
        wait_for(lambda part=part: f"{part} ended by signal 9 and is started again" in installation.said)
        wait_for(lambda words=words, killed=killed: installation.has_another(words, killed))
        wait_for(installation.takes_an_event)


def test_servers_that_are_given_are_used_and_left_alone(
    installation: Installation, database_url: str, redis_url: str
) -> None:
    installation.variables.update(DATABASE_URL=database_url, REDIS_URL=redis_url)
    installation.start()
    assert not [each for each in installation.processes if each.name() in ("postgres", "valkey-server")]
    event_id = installation.send_an_event()
    wait_for(lambda: installation.has_stored(event_id))

    assert installation.process is not None
    installation.process.send_signal(signal.SIGINT)
    assert installation.process.wait(PATIENCE_SECONDS) == 0, installation.said

    with psycopg.connect(database_url) as connection:
        found = connection.execute("select count(*) from eventpulse.events where event_id = %s", [event_id])
        assert found.fetchone() == (1,)
        assert connection.execute("select count(*) > 0 from dagster.runs").fetchone() == (True,)
    assert not (installation.home / "postgresql").exists()


def refusal(installation: Installation, **variables: str) -> str:
    """What `eventpulse up` says instead of starting."""
    installation.variables.update(variables)
    process = installation.process = installation.command()
    assert process.wait(PATIENCE_SECONDS) == 1
    processes = [each for each in psutil.process_iter() if _is_of(each, installation.home)]
    assert processes == []
    return installation.said.removeprefix("Starting EventPulse ...\n")


def _is_of(process: psutil.Process, home: Path) -> bool:
    with suppress(psutil.Error, OSError):
        return process.environ().get(MARK) == str(home)
    return False


def test_a_taken_port_is_said_before_anything_starts(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = refusal(installation, EVENTPULSE_CODE_PORT=str(taken.getsockname()[1]))
    assert re.fullmatch(r"The Dagster code server cannot listen on .*\n", said)
    assert not (installation.home / "postgresql").exists()


def test_a_missing_dagster_home_is_said_before_anything_starts(installation: Installation) -> None:
    said = refusal(installation, DAGSTER_HOME=str(installation.home / "nowhere"))
    assert re.fullmatch(r"DAGSTER_HOME is set to .* not an existing folder .*\n", said)


def test_a_database_of_another_version_is_said_before_anything_starts(installation: Installation) -> None:
    data = installation.home / "postgresql" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    assert re.fullmatch(r"The database in .* was made by PostgreSQL 17, .*\n", refusal(installation))


def test_an_unreachable_server_is_said_before_anything_starts(installation: Installation) -> None:
    said = refusal(installation, REDIS_URL=f"redis://127.0.0.1:{choose_free_port()}")
    assert re.fullmatch(r"The Redis of REDIS_URL cannot be used: .*\n", said)


def test_a_setting_that_makes_no_sense_is_named(installation: Installation) -> None:
    said = refusal(installation, LOG_LEVEL="loud")
    assert said.startswith("Settings are wrong. LOG_LEVEL: ")
    assert len(said.splitlines()) == 1
