"""PostgreSQL from its wheel, for a home folder of ours: made once, then started, reached over TCP on loopback only."""

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from eventpulse.embedded.private_file import kept_password
from eventpulse.embedded.program import Program
from eventpulse.embedded.programs import POSTGRESQL_MAJOR, postgresql_program
from eventpulse.errors import EmbeddedServerError

ROLE = "eventpulse"
DATABASE = "eventpulse"
_ORDINARY_USER = "nobody"
# What is written is on disk before it is acknowledged; the rest fits a laptop that takes tens of thousands of events/s.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# Nothing of our own environment: PGPORT and its like would change the server, and secrets do not belong in it.
_ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath}


def prepare_postgresql(folder: Path, port: int) -> Program:
    """Everything ready for PostgreSQL to be started on this folder; makes the database cluster the first time.

    Raises EmbeddedServerError where this machine cannot run it or the folder belongs to another version.
    """
    user = _user_to_become()
    data = folder / "data"
    if not data.exists():
        _make_cluster(folder, data, user)
    _require_our_version(data)
    _end_leftover(data)
    settings = [part for name, value in {**_SETTINGS, "port": str(port)}.items() for part in ("-c", f"{name}={value}")]
    url = postgresql_url(folder, port, "postgres")
    return Program(
        name="postgresql",
        command=(str(postgresql_program("postgres")), "-D", str(data), *settings),
        answers=lambda: _answers(url),
        environment=_ENVIRONMENT,
        folder=data,
        stop_signal=signal.SIGINT,  # PostgreSQL's "fast": connections are ended, a checkpoint is made
        user=user,
    )


def postgresql_url(folder: Path, port: int, database: str = DATABASE) -> str:
    """The address of a database on the server of this folder, password included."""
    return f"postgresql://{ROLE}:{kept_password(folder / 'password')}@127.0.0.1:{port}/{database}"


def create_database(folder: Path, port: int, name: str = DATABASE) -> None:
    """Create the database on the running server where it is not there yet."""
    with psycopg.connect(postgresql_url(folder, port, "postgres"), autocommit=True) as connection:
        if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def _make_cluster(folder: Path, data: Path, user: str | None) -> None:
    """Make the cluster beside its place, then move it there: an interrupted start leaves nothing half made."""
    draft = folder / "data.new"
    if draft.exists():
        shutil.rmtree(draft)
    kept_password(folder / "password")
    draft.mkdir(mode=0o700)
    try:
        if user is not None:
            owner = pwd.getpwnam(user)
            os.chown(draft, owner.pw_uid, owner.pw_gid)
        initdb = Program(
            name="initdb",
            command=(
                *(str(postgresql_program("initdb")), "-D", str(draft), "-U", ROLE, "--encoding=UTF8"),
                *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *("--auth=scram-sha-256", f"--pwfile={folder / 'password'}"),
            ),
            answers=lambda: True,
            user=user,
        )
        done = subprocess.run(
            initdb.child_command(), env=_ENVIRONMENT, cwd=draft, capture_output=True, text=True, check=False
        )
    except OSError as fault:
        raise EmbeddedServerError(f"PostgreSQL cannot be set up in {folder}: {fault}. {_WAY_OUT}") from fault
    if done.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        reason = (done.stderr.strip() or done.stdout.strip() or f"initdb ended with {done.returncode}").splitlines()[-1]
        raise EmbeddedServerError(f"PostgreSQL cannot be set up in {folder}: {reason}. {_WAY_OUT}")
    draft.rename(data)


_WAY_OUT = "Run EventPulse as an ordinary user, or set DATABASE_URL to a server of yours."


def _user_to_become() -> str | None:
    """The user the server runs as, None for the present one. PostgreSQL refuses root and users without a name."""
    if os.geteuid() == 0:
        return _ORDINARY_USER
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError as fault:
        raise EmbeddedServerError(
            f"PostgreSQL cannot run as user {os.geteuid()}, who has no name. {_WAY_OUT}"
        ) from fault
    return None


def _require_our_version(data: Path) -> None:
    try:
        found = (data / "PG_VERSION").read_text().strip()
    except OSError as fault:
        raise EmbeddedServerError(f"{data} is not a folder of PostgreSQL. Move it away or set DATABASE_URL.") from fault
    if found != str(POSTGRESQL_MAJOR):
        raise EmbeddedServerError(
            f"The database in {data} was made by PostgreSQL {found}, and this EventPulse brings {POSTGRESQL_MAJOR}. "
            f"Dump it with version {found} and load it anew, or set EVENTPULSE_HOME to a new folder."
        )


def _end_leftover(data: Path) -> None:
    """End a server whose supervisor was killed; forget a process id that meanwhile means another process."""
    pid_file = data / "postmaster.pid"
    try:
        process = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
        ours = str(data) in process.cmdline()
    except (FileNotFoundError, ValueError, psutil.Error):
        return  # PostgreSQL itself deals with the file of a process that is no more
    if not ours:
        pid_file.unlink(missing_ok=True)
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=30)
    except psutil.TimeoutExpired as fault:
        raise EmbeddedServerError(
            f"PostgreSQL (process {process.pid}) still runs on {data} and does not end."
        ) from fault


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            return connection.execute("select 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False
