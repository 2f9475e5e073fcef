"""A password that was planted in every setting is found in no log, no answer, no traceback and no Dagster event."""

import json
import os
import subprocess
import sys
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import make_url

from eventpulse.database.connect import open_connection, open_engine
from eventpulse.database.transactions import reading
from eventpulse.embedded.ports import choose_free_port
from eventpulse.errors import EventPulseError
from eventpulse.settings import PROJECT_ROOT
from eventpulse.stream.connect import open_async_redis, open_redis
from pipelines.upkeep.clean_up import clean_up
from tests.at_the_door import until

PLANTED = "Pl4ntedSecret"
KEY = f"ep_abcdefgh_{PLANTED}{'x' * 30}"
#: A slash ends the host where it is not encoded, and what follows the colon is taken for a port.
BROKEN = f"{PLANTED}/{PLANTED}@x"


def with_wrong_password(url: str) -> str:
    return make_url(url).set(password=PLANTED).render_as_string(hide_password=False)


@pytest.fixture(params=["unreachable", "wrong password"])
def servers(request: pytest.FixtureRequest) -> dict[str, str]:
    """Servers that let nobody in, each in its own way; the password is in their addresses."""
    if request.param == "unreachable":
        return {
            "DATABASE_URL": f"postgresql://me:{PLANTED}@127.0.0.1:1/none",
            "REDIS_URL": f"redis://:{PLANTED}@127.0.0.1:1/0",
        }
    return {
        "DATABASE_URL": with_wrong_password(request.getfixturevalue("postgresql_server")),
        "REDIS_URL": with_wrong_password(request.getfixturevalue("redis_server")),
    }


def environment(home: Path, servers: Mapping[str, str], **more: str) -> dict[str, str]:
    return {
        **os.environ,
        **servers,
        "EVENTPULSE_HOME": str(home),
        "EVENTPULSE_SESSION_SECRET": PLANTED * 4,
        "LOG_LEVEL": "debug",
        "PYTHONUNBUFFERED": "1",
        **more,
    }


@contextmanager
def serving(variables: Mapping[str, str], log: Path) -> Iterator[str]:
    """The API as a process of its own, and its address."""
    port = choose_free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "ingest_api"],
            env={**variables, "PORT": str(port)},
            cwd=PROJECT_ROOT,
            stdout=output,
            stderr=output,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: process.poll() is not None or asked(f"{url}/livez")[0] == 200, seconds=60)
        yield url
    finally:
        process.terminate()
        process.wait()


def asked(url: str, body: bytes | None = None, method: str | None = None) -> tuple[int, str]:
    """Status and whole answer, headers included."""
    headers = {"authorization": f"Bearer {KEY}", "cookie": f"eventpulse_session_3000={PLANTED}.1.2.3"}
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, str(answer.headers) + answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, str(refused.headers) + refused.read().decode()
    except OSError:
        return 0, ""


EVENT = json.dumps({"event_type": "a", "source": "b", "timestamp": "2026-01-31T10:00:00Z"}).encode()


@pytest.mark.parametrize("keys_needed", ["true", "false"])
def test_the_api_tells_none(servers: dict[str, str], tmp_path: Path, keys_needed: str) -> None:
    log = tmp_path / "log"
    answers = []
    with serving(environment(tmp_path, servers, EVENTPULSE_REQUIRE_KEYS=keys_needed), log) as url:
        for path in ("readyz", "api/v1/events/health", "api/v1/events", "api/v1/rules", "metrics", "api/v1/session"):
            answers.append(asked(f"{url}/{path}"))
        for path in ("events", "events/batch", "rules"):
            answers += [asked(f"{url}/api/v1/{path}", body) for body in (EVENT, b"{", f'"{PLANTED[:3]}'.encode())]
        answers.append(asked(f"{url}/api/v1/session", json.dumps({"key": KEY}).encode()))
        answers.append(asked(f"{url}/api/v1/session", method="DELETE"))

    assert any(status >= 500 for status, _ in answers)
    assert all(PLANTED not in said for _, said in answers)
    assert "Application startup complete" in log.read_text()
    assert PLANTED not in log.read_text()


@pytest.mark.parametrize(
    "words", [["status"], ["status", "--json"], ["keys", "list"], ["migrate"], ["up"]], ids=" ".join
)
def test_no_command_tells_one(servers: dict[str, str], tmp_path: Path, words: list[str]) -> None:
    ports = {name: str(choose_free_port()) for name in ("PORT", "EVENTPULSE_DAGSTER_PORT", "EVENTPULSE_CODE_PORT")}
    done = subprocess.run(
        [sys.executable, "-m", "eventpulse", *words],
        env=environment(tmp_path, servers, EVENTPULSE_API_KEY=KEY, **ports),
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode != 0
    assert done.stdout + done.stderr
    assert PLANTED not in done.stdout + done.stderr


def test_a_setting_that_is_refused_is_named_and_not_shown(tmp_path: Path) -> None:
    for servers in (
        {"EVENTPULSE_SESSION_SECRET": PLANTED},
        {"PORT": PLANTED},
        {"DATABASE_URL": f"mysql://{PLANTED}@x"},
    ):
        done = subprocess.run(
            [sys.executable, "-m", "eventpulse", "migrate"],
            env={**environment(tmp_path, {}), **servers},
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 1
        assert done.stderr
        assert PLANTED not in done.stdout + done.stderr


def ask_postgresql(url: str) -> None:
    engine = open_engine(url, application="tests")
    try:
        with reading(engine):
            pass
    finally:
        engine.dispose()


@pytest.mark.parametrize(
    "opened",
    [
        lambda: ask_postgresql(f"postgresql://me:{BROKEN}"),
        lambda: open_connection(f"postgresql://me:{BROKEN}", application="tests"),
        lambda: open_connection(f"postgresql://me:{PLANTED}@127.0.0.1:1/none", application="tests"),
        lambda: open_redis(f"redis://:{BROKEN}"),
        lambda: open_async_redis(f"redis://:{BROKEN}"),
    ],
    ids=["engine", "connection", "unreachable", "redis", "async redis"],
)
def test_an_address_that_cannot_be_used_is_not_quoted(opened: Callable[[], object]) -> None:
    with pytest.raises(EventPulseError) as fault:
        opened()

    assert PLANTED not in "".join(traceback.format_exception(fault.value))


@pytest.mark.parametrize(
    "address",
    [f"postgresql://me:{PLANTED}@127.0.0.1:1/none", f"postgresql://me:{BROKEN}", None],
    ids=["unreachable", "broken", "wrong password"],
)
def test_a_dagster_run_that_fails_tells_none(
    monkeypatch: pytest.MonkeyPatch, postgresql_server: str, address: str | None
) -> None:
    monkeypatch.setenv("DATABASE_URL", address or with_wrong_password(postgresql_server))
    monkeypatch.setenv("REDIS_URL", f"redis://:{PLANTED}@127.0.0.1:1/0")
    with dg.instance_for_test() as instance:
        result = clean_up.execute_in_process(instance=instance, raise_on_error=False)
        told = [dg.serialize_value(record) for record in instance.all_logs(result.run_id)]

    assert not result.success
    assert any("Error" in line or "Unavailable" in line for line in told)
    assert all(PLANTED not in line for line in told)
