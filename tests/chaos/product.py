"""The whole product in a home of its own, to be started, looked into, broken and started again."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import psutil
import psycopg

from eventpulse.embedded.leftovers import MARK, end_leftovers
from eventpulse.embedded.ports import choose_free_port
from eventpulse.settings import PROJECT_ROOT, Settings, load_settings

_PORTS = (
    "PORT",
    "EVENTPULSE_DAGSTER_PORT",
    "EVENTPULSE_CODE_PORT",
    "EVENTPULSE_POSTGRES_PORT",
    "EVENTPULSE_REDIS_PORT",
)
_OURS = ("EVENTPULSE_", "DAGSTER_", "DATABASE_URL", "REDIS_URL", "HOST", "PORT", "LOG_LEVEL")
UP_WITHIN_SECONDS = 180.0


class NotInTime(AssertionError):
    """Something that must happen did not happen before its deadline."""


def wait_for(what: str, holds: Callable[[], Any], *, within: float, every: float = 0.1) -> Any:
    """Look again and again until it holds; what it gave then."""
    deadline = time.monotonic() + within
    while not (found := holds()):
        if time.monotonic() > deadline:
            raise NotInTime(f"Waited {within:.0f} s in vain for {what}.")
        time.sleep(every)
    return found


class Product:
    """One installation. `changes` are environment variables, which say what is unusual about it."""

    def __init__(self, home: Path, changes: Mapping[str, object]) -> None:
        self.home = home
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        environment |= {name: str(choose_free_port()) for name in _PORTS}
        self._environment = environment | {name: str(value) for name, value in changes.items()}
        self._environment["EVENTPULSE_HOME"] = str(home)
        self._up: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run `eventpulse up` and return when one drain leads and another stands by."""
        begun = len(self.said)
        with (self.home / "up.log").open("ab") as log:
            self._up = subprocess.Popen(
                [sys.executable, "-m", "eventpulse", "up"],
                cwd=PROJECT_ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for("EventPulse to be ready", lambda: self._has_come_up(begun), within=UP_WITHIN_SECONDS)
        wait_for("two drains", lambda: len(self.drains()) == 2, within=UP_WITHIN_SECONDS)

    def stop(self) -> None:
        """End it as an operator does; whatever is left after that is a mistake, and is ended too."""
        if self._up is not None and self._up.poll() is None:
            self._up.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._up.wait(90)
            self.kill_up()
        end_leftovers(self.home)

    def kill_up(self) -> None:
        """End the supervisor alone, without a word."""
        assert self._up is not None
        self._up.kill()
        self._up.wait()

    @property
    def is_up(self) -> bool:
        """Whether the supervisor runs."""
        return self._up is not None and self._up.poll() is None

    @property
    def said(self) -> str:
        """Everything `eventpulse up` has printed."""
        log = self.home / "up.log"
        return log.read_text(errors="replace") if log.exists() else ""

    @property
    def url(self) -> str:
        """Where the API listens."""
        return f"http://127.0.0.1:{self._environment['PORT']}"

    @property
    def settings(self) -> Settings:
        """The addresses of the servers."""
        given = {
            name.lower(): self._environment[name] for name in ("DATABASE_URL", "REDIS_URL") if name in self._environment
        }
        return load_settings(home=self.home, **given)

    def api(self, method: str, path: str, **options: Any) -> Any:
        """Call the API; the JSON it answers."""
        answer = httpx2.request(method, f"{self.url}/api/v1/{path}", timeout=30.0, **options)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection]:
        """A connection to PostgreSQL."""
        url = self.settings.database_url
        assert url is not None
        address = url.get_secret_value().replace("+psycopg", "")
        with psycopg.connect(address, autocommit=True, connect_timeout=5, options="-c timezone=UTC") as connection:
            yield connection

    def drains(self) -> dict[str, bool]:
        """The drain runs that are connected, and whether they lead; empty while PostgreSQL is away."""
        with suppress(psycopg.Error), self.database() as connection:
            return {run_id: leads for run_id, _, leads in self._connected(connection)}
        return {}

    def drain_process(self, *, leading: bool) -> psutil.Process:
        """The process of the drain run that leads, or of the one that stands by."""
        with self.database() as connection:
            ports = [port for _, port, leads in self._connected(connection) if leads == leading]
        for process in self.processes():
            with suppress(psutil.Error):
                links = process.net_connections("tcp") if "spawn_main" in " ".join(process.cmdline()) else []
                if any(link.laddr and link.laddr.port in ports for link in links):
                    return process
        raise LookupError("No process of a drain run was found.")

    def process(self, word: str) -> psutil.Process:
        """The one process of this installation with this word in its command line."""
        for process in self.processes():
            with suppress(psutil.Error):
                if word in " ".join(process.cmdline()):
                    return process
        raise LookupError(f"No process with {word!r} in its command line was found.")

    def processes(self) -> list[psutil.Process]:
        """Every process of this installation, parents before children of theirs that are known by environment alone."""
        known: dict[int, psutil.Process] = {}
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.environ().get(MARK) == str(self.home):
                    known[process.pid] = process
        if self.is_up:
            assert self._up is not None
            for process in psutil.Process(self._up.pid).children():
                known[process.pid] = process
        return list(known.values())

    def runs(self) -> dict[str, str]:
        """The status of every drain run, as Dagster shows it."""
        with self.database() as connection:
            rows = connection.execute("select run_id, status from dagster.runs where pipeline_name = 'drain_stream'")
            return dict(rows.fetchall())

    def _connected(self, connection: psycopg.Connection) -> list[tuple[str, int, bool]]:
        return connection.execute(
            """
            select substr(application_name, length('eventpulse drain ') + 1), client_port, exists (
                select from pg_locks l where l.pid = a.pid and locktype = 'advisory' and objsubid = 2 and granted)
            from pg_stat_activity a where application_name like 'eventpulse drain %'
            """
        ).fetchall()

    def _has_come_up(self, begun: int) -> bool:
        if not self.is_up:
            raise NotInTime(f"EventPulse ended while it was starting:\n{self.said[begun:]}")
        return "EventPulse is ready" in self.said[begun:]


@contextmanager
def a_product(folder: Path | None = None, **changes: object) -> Iterator[Product]:
    """A fresh installation for the length of a block, removed afterwards. CHAOS_LOGS names a folder for its logs."""
    home = folder or Path(tempfile.mkdtemp(prefix="eventpulse-chaos-"))
    product = Product(home, changes)
    try:
        product.start()
        yield product
    except BaseException:
        sys.stderr.write(product.said[-4000:])
        raise
    finally:
        product.stop()
        if kept := os.environ.get("CHAOS_LOGS"):
            shutil.copytree(home / "logs", Path(kept) / home.parent.name / home.name, dirs_exist_ok=True)
            shutil.copy(home / "up.log", Path(kept) / home.parent.name / home.name)
        shutil.rmtree(home, ignore_errors=True)
