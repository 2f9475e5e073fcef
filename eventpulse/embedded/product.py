"""Run the whole product on this machine, from the first check to the last process."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from pydantic import SecretStr

from eventpulse.clock import utc_now
from eventpulse.database.api_keys import require_admin_key
from eventpulse.database.connect import open_engine
from eventpulse.database.migrate import migrate
from eventpulse.embedded.dagster_home import (
    create_dagster_schema,
    dagster_database_url,
    find_dagster_home,
    prepare_dagster_home,
    with_driver,
)
from eventpulse.embedded.first_day import with_first_day
from eventpulse.embedded.home import locked_home
from eventpulse.embedded.leftovers import end_leftovers
from eventpulse.embedded.postgresql import create_database, postgresql_url, prepare_postgresql
from eventpulse.embedded.preflight import listeners, require_database, require_durable_redis, require_ports
from eventpulse.embedded.program import Program
from eventpulse.embedded.running_file import announced
from eventpulse.embedded.services import (
    api_program,
    code_server_program,
    daemon_program,
    demo_program,
    environment,
    outer_environment,
    webserver_program,
)
from eventpulse.embedded.supervisor import StopRequested, Supervisor
from eventpulse.embedded.valkey import prepare_redis, redis_url
from eventpulse.errors import SettingsError
from eventpulse.settings import Settings, load_settings

# What is in a later stage needs what is in the earlier ones. Stopping goes the other way.
_SERVERS, _CODE, _SERVICES, _TRAFFIC = 1, 2, 3, 4


def run_product(say: Callable[[str], None], ready: Callable[[Settings], None], *, demo: bool = False) -> None:
    """Run until Ctrl-C or SIGTERM. `say` shows a line to the operator; `ready` is called when everything answers.
    With `demo`, lively traffic is sent from then on.

    Raises EventPulseError, its text a sentence or two, where it cannot start or cannot go on; nothing is left running.
    """
    with locked_home(load_settings().home.resolve()):
        # What a killed run announced is no address of a server any more, so it must not be read as a setting.
        load_settings().running_file.unlink(missing_ok=True)
        settings = load_settings()
        settings = settings.model_copy(update={"home": settings.home.resolve()})
        supervisor = Supervisor(settings.home / "logs", say)
        with _stopping_on_signals(supervisor, say):
            try:
                _run(settings, supervisor, say, ready, demo)
            except StopRequested:
                pass
            finally:
                supervisor.stop()


def _run(
    settings: Settings,
    supervisor: Supervisor,
    say: Callable[[str], None],
    ready: Callable[[Settings], None],
    demo: bool,
) -> None:
    if demo and settings.keys_needed:
        raise SettingsError("--demo has no API key. Start without it, and run `eventpulse demo --key ep_…` beside.")
    outside = outer_environment()
    dagster_home = find_dagster_home(settings.home, outside.get("DAGSTER_HOME"))
    if left := end_leftovers(settings.home):
        say(f"An earlier run was killed; {left} of its processes were ended.")
    require_ports(listeners(settings))
    servers, settings = _servers(settings, say)

    supervisor.start(servers, stage=_SERVERS)
    supervisor.wait_until_all_answer()
    _prepare_database(settings, ours="postgresql" in {server.name for server in servers})
    settings = with_first_day(settings, utc_now())
    dagster_url = _dagster_url(settings)
    prepare_dagster_home(dagster_home, ours=dagster_home.is_relative_to(settings.home))

    with announced(settings):
        variables = environment(settings, outside, dagster_home=dagster_home, dagster_database_url=dagster_url)
        supervisor.start([code_server_program(settings, variables)], stage=_CODE)
        supervisor.start([api_program(settings, variables)], stage=_SERVICES)
        supervisor.wait_until_all_answer()
        # Only now: both would cache that there is no code server, and both would make Dagster's tables at once.
        supervisor.start([webserver_program(settings, variables), daemon_program(settings, variables)], stage=_SERVICES)
        supervisor.wait_until_all_answer()
        ready(settings)
        if demo:
            supervisor.start([demo_program(settings, variables)], stage=_TRAFFIC)
        supervisor.watch()


def _servers(settings: Settings, say: Callable[[str], None]) -> tuple[list[Program], Settings]:
    """The servers to start, and the settings with the addresses of all. Those that are given are only checked."""
    servers: list[Program] = []
    if settings.database_url is not None:
        require_database(settings.database_url.get_secret_value())
    if settings.redis_url is not None:
        for warning in require_durable_redis(settings.redis_url.get_secret_value()):
            say(f"Warning: {warning}")
    addresses: dict[str, SecretStr] = {}
    if settings.database_url is None:
        folder = settings.home / "postgresql"
        servers.append(prepare_postgresql(folder, settings.postgres_port))
        addresses["database_url"] = SecretStr(postgresql_url(folder, settings.postgres_port))
    if settings.redis_url is None:
        folder = settings.home / "redis"
        servers.append(prepare_redis(folder, settings.redis_port))
        addresses["redis_url"] = SecretStr(redis_url(folder, settings.redis_port))
    return servers, settings.model_copy(update=addresses)


def _prepare_database(settings: Settings, *, ours: bool) -> None:
    if ours:
        create_database(settings.home / "postgresql", settings.postgres_port)
    engine = open_engine(_secret(settings.database_url), application="eventpulse up")
    try:
        migrate(engine)
        if settings.keys_needed:
            require_admin_key(engine)
    finally:
        engine.dispose()


def _dagster_url(settings: Settings) -> str:
    if settings.dagster_database_url is not None:
        return with_driver(settings.dagster_database_url.get_secret_value())
    create_dagster_schema(_secret(settings.database_url))
    return dagster_database_url(_secret(settings.database_url))


def _secret(value: SecretStr | None) -> str:
    if value is None:
        raise ValueError("The server has no address yet.")
    return value.get_secret_value()


@contextmanager
def _stopping_on_signals(supervisor: Supervisor, say: Callable[[str], None]) -> Iterator[None]:
    """The first signal asks for an orderly end, the second for an immediate one."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        if supervisor.stop_requested:
            supervisor.in_a_hurry = True
        else:
            say("Stopping. Once more to stop at once.")
        supervisor.stop_requested = True

    kinds = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup wants us to outlive the terminal
        kinds.append(signal.SIGHUP)
    before = {kind: signal.signal(kind, stop) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
