"""The processes of ours that `eventpulse up` runs beside the servers: API, Dagster's code server, daemon and UI."""

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from eventpulse.embedded.leftovers import MARK
from eventpulse.embedded.preflight import LOOPBACK
from eventpulse.embedded.program import Program
from eventpulse.embedded.readiness import code_server_answers, daemon_answers, http_answers
from eventpulse.loopback import address_of
from eventpulse.settings import PROJECT_ROOT, Settings

_WORKSPACE = PROJECT_ROOT / "workspace.yaml"
# Time for the drain to finish its micro-batch.
_RUNS_END_WITHIN_SECONDS = 20.0


def outer_environment() -> dict[str, str]:
    """The environment we were started in; what is missing there may stand in `.env`, for Dagster as well as for us."""
    file = {name: value for name, value in dotenv_values(PROJECT_ROOT / ".env").items() if value is not None}
    return {**file, **os.environ}


def environment(
    settings: Settings, outside: Mapping[str, str], *, dagster_home: Path, dagster_database_url: str
) -> dict[str, str]:
    """What every process of ours finds in its environment. Passwords travel here, not on command lines."""
    if settings.database_url is None or settings.redis_url is None:
        raise ValueError("The servers have no address yet.")
    return {
        **outside,
        MARK: str(settings.home),
        "EVENTPULSE_HOME": str(settings.home),
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "REDIS_URL": settings.redis_url.get_secret_value(),
        "DAGSTER_HOME": str(dagster_home),
        "DAGSTER_POSTGRES_URL": dagster_database_url,
        "EVENTPULSE_CODE_HOST": LOOPBACK,
        "EVENTPULSE_CODE_PORT": str(settings.code_port),
        "EVENTPULSE_DAGSTER_PORT": str(settings.dagster_port),
        "EVENTPULSE_HISTORY_FROM": settings.history_from.isoformat(),
        "PYTHONUNBUFFERED": "1",
    }


def api_program(settings: Settings, variables: Mapping[str, str]) -> Program:
    """The HTTP API: one event loop in one process."""
    url = address_of(settings.host, settings.port)
    return Program(
        name="api",
        command=(sys.executable, "-m", "ingest_api"),
        answers=lambda: http_answers(f"{url}/livez"),
        environment={**variables, "HOST": settings.host, "PORT": str(settings.port), "LOG_LEVEL": settings.log_level},
        folder=PROJECT_ROOT,
    )


def code_server_program(settings: Settings, variables: Mapping[str, str]) -> Program:
    """Dagster's code server: it loads our definitions, evaluates sensors and starts runs as children of its own."""
    return Program(
        name="dagster-code-server",
        command=(
            *(sys.executable, "-m", "dagster", "api", "grpc", "--module-name", "pipelines.definitions"),
            *("--working-directory", str(PROJECT_ROOT), "--location-name", "eventpulse"),
            *("--host", LOOPBACK, "--port", str(settings.code_port), "--log-format", "json"),
        ),
        answers=lambda: code_server_answers(LOOPBACK, settings.code_port),
        environment=variables,
        folder=PROJECT_ROOT,
        ready_within_seconds=120.0,
        # Asked to end, it takes no more runs and waits for those it has; so they are asked at the same time.
        stops_as_group=True,
        stop_within_seconds=_RUNS_END_WITHIN_SECONDS,
        # Then it notes how they ended, and waits for sensors that still look, which nobody needs any more.
        lingers_seconds=1.0,
    )


def daemon_program(settings: Settings, variables: Mapping[str, str]) -> Program:
    """Dagster's daemon: it ticks sensors and schedules, and takes runs from the queue."""
    since = time.time()
    return Program(
        name="dagster-daemon",
        command=(
            *(sys.executable, "-m", "dagster._daemon", "run", "--workspace", str(_WORKSPACE), "--log-format", "json"),
        ),
        answers=lambda: daemon_answers(address_of(LOOPBACK, settings.dagster_port), since),
        environment=variables,
        folder=PROJECT_ROOT,
        ready_within_seconds=120.0,
        # Asked politely, its threads first finish naps of up to 30 s. Whatever it does is safe to repeat.
        stop_signal=signal.SIGKILL,
    )


def webserver_program(settings: Settings, variables: Mapping[str, str]) -> Program:
    """Dagster's UI. It knows no passwords, so it listens on loopback whatever HOST says."""
    return Program(
        name="dagster-webserver",
        command=(
            *(sys.executable, "-m", "dagster_webserver", "--workspace", str(_WORKSPACE)),
            *("--host", LOOPBACK, "--port", str(settings.dagster_port), "--log-format", "json"),
        ),
        answers=lambda: http_answers(f"{address_of(LOOPBACK, settings.dagster_port)}/server_info"),
        environment=variables,
        folder=PROJECT_ROOT,
        ready_within_seconds=120.0,
        stop_within_seconds=1.0,
    )


def demo_program(settings: Settings, variables: Mapping[str, str]) -> Program:
    """Lively traffic for the API, to have something to look at."""
    return Program(
        name="demo",
        command=(sys.executable, "-m", "eventpulse", "demo"),
        answers=lambda: True,
        environment={**variables, "HOST": settings.host, "PORT": str(settings.port)},
        folder=PROJECT_ROOT,
        stop_signal=signal.SIGINT,
        stop_within_seconds=1.0,
    )
