"""What must hold before anything starts is checked, and told in one sentence with a way out."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from eventpulse.embedded.home import locked_home
from eventpulse.embedded.ports import choose_free_port
from eventpulse.embedded.preflight import listeners, require_database, require_durable_redis, require_ports
from eventpulse.embedded.running_file import announced
from eventpulse.errors import EmbeddedServerError
from eventpulse.settings import Settings, load_settings
from eventpulse.stream.connect import open_redis


def _settings(tmp_path: Path, **changes: object) -> Settings:
    ports = {name: choose_free_port() for name in ("port", "dagster_port", "code_port", "postgres_port", "redis_port")}
    return load_settings(**{"home": tmp_path, **ports, **changes})


def test_a_taken_port_names_its_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = _settings(tmp_path, dagster_port=taken.getsockname()[1])
        with pytest.raises(EmbeddedServerError, match=r"Dagster UI cannot listen .*set EVENTPULSE_DAGSTER_PORT to"):
            require_ports(listeners(settings))


def test_one_port_for_two_is_refused(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    settings = settings.model_copy(update={"code_port": settings.port})
    with pytest.raises(EmbeddedServerError, match="PORT and EVENTPULSE_CODE_PORT are both"):
        require_ports(listeners(settings))


def test_ports_of_servers_that_are_given_do_not_matter(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = _settings(tmp_path, postgres_port=port, database_url="postgresql://h/d")
        require_ports(listeners(settings))


def test_a_second_up_in_the_same_home_is_refused(tmp_path: Path) -> None:
    with (
        locked_home(tmp_path),
        pytest.raises(EmbeddedServerError, match=rf"already runs in .* \(process {os.getpid()}\)"),
        locked_home(tmp_path),
    ):
        pass


def test_the_home_folder_is_closed_to_other_users(tmp_path: Path) -> None:
    with locked_home(tmp_path / "deep" / "home"):
        assert (tmp_path / "deep" / "home").stat().st_mode & 0o777 == 0o700


def test_the_lock_falls_with_its_process(tmp_path: Path) -> None:
    dying = (
        "import os, pathlib, sys\n"
        "from eventpulse.embedded.home import locked_home\n"
        "with locked_home(pathlib.Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", dying, str(tmp_path)], check=False)
    with locked_home(tmp_path):
        assert (tmp_path / "up.lock").read_text() == f"{os.getpid()}\n"


def test_a_database_that_answers_is_accepted(engine: Engine, database_url: str) -> None:
    require_database(database_url)


def test_a_database_that_does_not_answer_is_one_sentence() -> None:
    with pytest.raises(EmbeddedServerError, match=r"^The PostgreSQL of DATABASE_URL cannot be used: .*refused"):
        require_database(f"postgresql://me:secret@127.0.0.1:{choose_free_port()}/d")


def test_a_redis_that_does_not_answer_is_one_sentence() -> None:
    with pytest.raises(EmbeddedServerError, match=r"^The Redis of REDIS_URL cannot be used: .*refused"):
        require_durable_redis(f"redis://127.0.0.1:{choose_free_port()}/0")


@pytest.fixture
def redis_with_changes(redis_url: str) -> Iterator[str]:
    """A Redis whose settings a test may change."""
    yield redis_url
    with open_redis(redis_url) as client:
        for name, value in {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}.items():
            client.config_set(name, value)


def test_our_own_redis_needs_no_warning(redis_with_changes: str) -> None:
    assert require_durable_redis(redis_with_changes) == []


def test_a_redis_that_would_forget_is_refused(redis_with_changes: str) -> None:
    with open_redis(redis_with_changes) as client:
        client.config_set("appendonly", "no")
    with pytest.raises(EmbeddedServerError, match="has appendonly off, so accepted events would be lost"):
        require_durable_redis(redis_with_changes)


def test_a_redis_that_may_lose_a_second_is_warned_about(redis_with_changes: str) -> None:
    with open_redis(redis_with_changes) as client:
        client.config_set("appendfsync", "everysec")
        client.config_set("maxmemory-policy", "allkeys-lru")
    fsync, eviction = require_durable_redis(redis_with_changes)
    assert "appendfsync everysec" in fsync
    assert "maxmemory-policy allkeys-lru" in eviction


def test_a_redis_that_does_not_tell_is_said_to(redis_with_changes: str) -> None:
    user = redis_with_changes.replace("redis://:", "redis://quiet:").split("@")
    with open_redis(redis_with_changes) as client:
        client.acl_setuser("quiet", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-config", "-info"])
    try:
        assert ["does not tell whether appendonly" in warning for warning in require_durable_redis("@".join(user))] == [
            True
        ]
    finally:
        with open_redis(redis_with_changes) as client:
            client.acl_deluser("quiet")


def test_other_commands_find_the_servers_while_it_runs(tmp_path: Path) -> None:
    odd = "postgresql://me:it's\\back@h:1/d"
    settings = _settings(tmp_path, database_url=odd, redis_url="redis://:pass#word@h:2/0")
    with announced(settings):
        assert settings.running_file.stat().st_mode & 0o777 == 0o600
        found = load_settings(home=tmp_path)
        assert found.database_url is not None and found.database_url.get_secret_value() == odd
        assert found.redis_url is not None and found.redis_url.get_secret_value() == "redis://:pass#word@h:2/0"
        assert found.port == settings.port
    assert not settings.running_file.exists()
