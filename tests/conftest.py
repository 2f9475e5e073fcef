"""Real servers for every test that asks: PostgreSQL and Redis from wheels, started once, emptied for each test."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from psycopg import sql
from sqlalchemy import Engine

from eventpulse.database.connect import open_engine
from eventpulse.database.migrate import migrate
from eventpulse.embedded.ports import choose_free_port
from eventpulse.embedded.postgresql import create_database, postgresql_url, prepare_postgresql
from eventpulse.embedded.running import running
from eventpulse.embedded.valkey import prepare_redis, redis_url as address_of_redis

TEMPLATE = "template_with_migrations"
_IN_MEMORY = Path("/dev/shm")
_ROOM_NEEDED = 8 * 1024**3


def pytest_configure() -> None:
    """Have what the tests write lie in memory where there is room: a database for each test is made of some hundred
    files, which takes ten times as long on a disk."""
    if os.access(_IN_MEMORY, os.W_OK) and shutil.disk_usage(_IN_MEMORY).free > _ROOM_NEEDED:
        os.environ["TMPDIR"] = tempfile.tempdir = str(_IN_MEMORY)


@pytest.fixture(scope="session", autouse=True)
def settings_of_the_developer_do_not_leak_in(servers_folder: Path) -> None:
    """A test never reaches the servers or the home folder of the developer's own installation."""
    for name in list(os.environ):
        if name.startswith(("EVENTPULSE_", "DAGSTER_")) or name in ("DATABASE_URL", "REDIS_URL", "HOST", "PORT"):
            del os.environ[name]
    os.environ["EVENTPULSE_HOME"] = str(servers_folder / "home")


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """Where the servers of this process keep their data; each worker of a parallel run has its own."""
    folder = Path(tempfile.mkdtemp(prefix="eventpulse-tests-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_server(servers_folder: Path) -> Iterator[str]:
    """The address of a running PostgreSQL, which has a template database with all migrations."""
    folder, port = servers_folder / "postgresql", choose_free_port()
    with running(prepare_postgresql(folder, port), servers_folder / "postgresql.log"):
        create_database(folder, port, TEMPLATE)
        engine = open_engine(postgresql_url(folder, port, TEMPLATE), application="tests")
        migrate(engine)
        engine.dispose()
        yield postgresql_url(folder, port, "postgres")


@pytest.fixture(scope="session")
def redis_server(servers_folder: Path) -> Iterator[str]:
    """The address of a running Redis-compatible server."""
    folder, port = servers_folder / "redis", choose_free_port()
    with running(prepare_redis(folder, port), servers_folder / "redis.log"):
        yield address_of_redis(folder, port)


_number = itertools.count(1)


@pytest.fixture
def database_url(postgresql_server: str) -> Iterator[str]:
    """A database of this test alone, migrated, dropped afterwards with whatever is still connected."""
    name = sql.Identifier(f"test_{next(_number)}")
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} template {}").format(name, sql.Identifier(TEMPLATE)))
        yield postgresql_server.rsplit("/", 1)[0] + "/" + name.as_string().strip('"')
        connection.execute(sql.SQL("drop database {} with (force)").format(name))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on the database of this test."""
    engine = open_engine(database_url, application="tests")
    yield engine
    engine.dispose()


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The address of a Redis that holds nothing."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server
