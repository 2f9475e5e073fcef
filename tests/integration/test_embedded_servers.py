"""The servers from the wheels keep what they were told, however they end, and say clearly why they cannot start."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from eventpulse.embedded.child import Child
from eventpulse.embedded.ports import choose_free_port
from eventpulse.embedded.postgresql import create_database, postgresql_url, prepare_postgresql
from eventpulse.embedded.running import running
from eventpulse.embedded.valkey import prepare_redis, redis_url as address_of_redis
from eventpulse.errors import EmbeddedServerError


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("home")


def _kill(server: Child) -> None:
    os.kill(server.process_id, signal.SIGKILL)
    psutil.Process(server.process_id).wait(10)


def test_a_committed_row_survives_kill_9_of_postgresql(home: Path) -> None:
    folder, port = home / "postgresql", choose_free_port()
    with running(prepare_postgresql(folder, port), home / "postgresql.log") as server:
        create_database(folder, port)
        with psycopg.connect(postgresql_url(folder, port)) as connection:
            connection.execute("create table kept as select 42 as answer")
        _kill(server)

    with (
        running(prepare_postgresql(folder, port), home / "postgresql.log"),
        psycopg.connect(postgresql_url(folder, port)) as connection,
    ):
        assert connection.execute("select answer from kept").fetchone() == (42,)


def test_an_acknowledged_entry_survives_kill_9_of_redis(home: Path) -> None:
    folder, port = home / "redis", choose_free_port()
    with running(prepare_redis(folder, port), home / "redis.log") as server:
        with redis.Redis.from_url(address_of_redis(folder, port)) as client:
            client.xadd("events", {"n": 1})
        _kill(server)

    with (
        running(prepare_redis(folder, port), home / "redis.log"),
        redis.Redis.from_url(address_of_redis(folder, port)) as client,
    ):
        assert client.xlen("events") == 1


def test_a_process_id_file_that_now_means_another_process_is_no_obstacle(home: Path) -> None:
    folder, port = home / "postgresql", choose_free_port()
    prepare_postgresql(folder, port)
    (folder / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{folder / 'data'}\n")

    with running(prepare_postgresql(folder, port), home / "postgresql.log"):
        assert psutil.pid_exists(os.getpid())


def test_a_folder_of_another_version_is_refused_in_one_sentence(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "PG_VERSION").write_text("16\n")

    with pytest.raises(EmbeddedServerError, match=r"made by PostgreSQL 16, and this EventPulse brings 18"):
        prepare_postgresql(tmp_path, 1)


def test_what_an_interrupted_set_up_left_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "data.new").mkdir()
    (tmp_path / "data.new" / "half").touch()

    prepare_postgresql(tmp_path, choose_free_port())

    assert (tmp_path / "data" / "PG_VERSION").exists()
    assert not (tmp_path / "data.new").exists()


@pytest.mark.parametrize("server", ["postgresql_server", "redis_server"])
def test_servers_listen_on_loopback_alone(server: str, request: pytest.FixtureRequest) -> None:
    port = int(request.getfixturevalue(server).rsplit(":", 1)[1].split("/")[0])
    listening = {
        connection.laddr.ip
        for connection in psutil.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
    }
    assert listening == {"127.0.0.1"}


def test_passwords_are_needed_private_and_on_no_command_line(
    postgresql_server: str, redis_server: str, servers_folder: Path
) -> None:
    for server in ("postgresql", "redis"):
        password = servers_folder / server / "password"
        assert password.stat().st_mode & 0o777 == 0o600
        for process in psutil.process_iter(["cmdline"]):
            assert password.read_text().strip() not in " ".join(process.info["cmdline"] or [])
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgresql_server, password="wrong")
    with redis.Redis.from_url("redis://" + redis_server.split("@")[1]) as client, pytest.raises(redis.RedisError):
        client.ping()
