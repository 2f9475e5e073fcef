"""The product under measurement: one of its own in a temporary home, or one that runs already."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import psutil
import psycopg

from eventpulse.embedded.ports import choose_free_port
from eventpulse.settings import PROJECT_ROOT, Settings, load_settings

T = TypeVar("T")
_UP_WITHIN_SECONDS = 120.0
_PORTS = ("PORT", *(f"EVENTPULSE_{name}_PORT" for name in ("DAGSTER", "CODE", "POSTGRES", "REDIS")))


@dataclass(frozen=True)
class Product:
    """Where a running EventPulse is reached. `process` is its `eventpulse up`; None where it was running before."""

    url: str
    settings: Settings
    process: psutil.Process | None
    started_at: float

    @property
    def database_url(self) -> str:
        """PostgreSQL, as psycopg wants it."""
        assert self.settings.database_url is not None, "DATABASE_URL is not known"
        return self.settings.database_url.get_secret_value().replace("+psycopg", "")

    @property
    def redis_url(self) -> str:
        """Redis."""
        assert self.settings.redis_url is not None, "REDIS_URL is not known"
        return self.settings.redis_url.get_secret_value()

    def api(self, method: str, path: str, **options: Any) -> Any:
        """Call the HTTP API; the answer's JSON, or None where it is empty."""
        answer = httpx2.request(method, self.url + path, timeout=30.0, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def health(self) -> dict[str, Any]:
        """What the API says of itself; empty while it does not answer."""
        with suppress(httpx2.HTTPError, ValueError):
            health: dict[str, Any] = httpx2.get(self.url + "/api/v1/events/health", timeout=5.0).json()
            return health
        return {}


def wait_for(what: str, look: Callable[[], T | None], *, within: float, every: float = 0.05) -> T:
    """Look again and again until there is something."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(every)
    raise SystemExit(f"Waited {within:.0f} s in vain for {what}.")


@contextmanager
def product(url: str | None = None, *, draining: bool = True, **changes: object) -> Iterator[Product]:
    """The running product at `url`, or a fresh one that is stopped and removed afterwards.

    `changes` are environment variables of the fresh one. With `draining` it is waited for until a drain leads.
    """
    if url is not None:
        yield Product(url.rstrip("/"), load_settings(), None, time.time())
        return
    home = Path(tempfile.mkdtemp(prefix="eventpulse-bench-"))
    environment = _environment(home, changes)
    started_at = time.time()
    with (home / "up.log").open("wb") as log:
        command = [sys.executable, "-m", "eventpulse", "up"]
        up = subprocess.Popen(
            command, cwd=PROJECT_ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        address = f"http://127.0.0.1:{environment['PORT']}"
        settings = wait_for("the addresses of the servers", lambda: _running_settings(home), within=_UP_WITHIN_SECONDS)
        started = Product(address, settings, psutil.Process(up.pid), started_at)
        if draining:
            wait_for("a leading drain", lambda: started.health().get("worker") == "ok", within=_UP_WITHIN_SECONDS)
        yield started
    except SystemExit:
        print((home / "up.log").read_text(errors="replace")[-4000:], file=sys.stderr)
        raise
    finally:
        _stop(up)
        shutil.rmtree(home, ignore_errors=True)


def _environment(home: Path, changes: dict[str, object]) -> dict[str, str]:
    ours = ("EVENTPULSE_", "DAGSTER_", "DATABASE_URL", "REDIS_URL", "HOST", "PORT", "LOG_LEVEL")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment["EVENTPULSE_HOME"] = str(home)
    ports: dict[int, None] = {}
    while len(ports) < len(_PORTS):  # one that is free now may be chosen twice
        ports[choose_free_port()] = None
    environment |= {name: str(port) for name, port in zip(_PORTS, ports, strict=True)}
    return environment | {name: str(value) for name, value in changes.items()}


def _running_settings(home: Path) -> Settings | None:
    if not (home / "running.env").exists():
        return None
    settings = load_settings(home=home)
    return settings if settings.database_url and settings.redis_url and _accepts(settings) else None


def _accepts(settings: Settings) -> bool:
    assert settings.database_url is not None
    with suppress(psycopg.OperationalError):
        psycopg.connect(settings.database_url.get_secret_value().replace("+psycopg", ""), connect_timeout=2).close()
        return True
    return False


def _stop(up: "subprocess.Popen[bytes]") -> None:
    family = psutil.Process(up.pid).children(recursive=True) if up.poll() is None else []
    up.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        up.wait(60)
    for process in psutil.wait_procs(family, timeout=10)[1]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    if up.poll() is None:
        up.kill()
        up.wait()
