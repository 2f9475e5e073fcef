"""A PostgreSQL and a Redis beside the product that belong to the harness: it takes them away and gives them back."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from eventpulse.embedded.child import Child
from eventpulse.embedded.ports import choose_free_port
from eventpulse.embedded.postgresql import create_database, postgresql_url, prepare_postgresql
from eventpulse.embedded.program import Program
from eventpulse.embedded.valkey import prepare_redis, redis_url
from tests.chaos.product import NotInTime, wait_for

#: Room for a fresh server and the load of a scenario; a file fills it up when it shall be full.
DISK_MEGABYTES = {"postgresql": 700, "redis": 200, "home": 1000}


class Server:
    """One server in a folder of its own, which may be a disk of its own."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        self.port = choose_free_port()
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return (postgresql_url if self.kind == "postgresql" else redis_url)(self.folder, self.port)

    def start(self, within: float = 60.0) -> None:
        """Start it, again where it ends at once, and wait until it answers."""
        program = self._program()
        deadline = time.monotonic() + within
        while True:
            child = self._child = Child(program, self.folder.with_suffix(".log"))
            with suppress(NotInTime):
                wait_for("an answer", lambda: program.answers() or child.exit_code is not None, within=within)  # noqa: B023
            if child.exit_code is None and program.answers():
                return
            assert time.monotonic() < deadline, child.last_words()
            time.sleep(0.2)

    def create(self) -> None:
        """Start it for the first time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start()
        if self.kind == "postgresql":
            create_database(self.folder, self.port)

    def kill(self) -> None:
        """End it without a word."""
        child = self._child
        assert child is not None
        with suppress(ProcessLookupError):
            os.kill(child.process_id, signal.SIGKILL)
        wait_for("the server to be gone", lambda: child.exit_code is not None, within=10.0)

    @property
    def runs(self) -> bool:
        """Whether its process is there."""
        return self._child is not None and self._child.exit_code is None

    def _program(self) -> Program:
        prepare = prepare_postgresql if self.kind == "postgresql" else prepare_redis
        return prepare(self.folder, self.port)


def can_mount() -> bool:
    """Whether this machine lets us make disks of our own (root, and not fenced in)."""
    with suppress(OSError):
        done = subprocess.run(
            ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
        )
        return done.returncode == 0 and os.geteuid() == 0
    return False


@contextmanager
def disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A small disk at this folder, for the length of a block."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Leave no byte of the disk at this folder free, for the length of a block."""
    filler = folder / "filler"
    try:
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 65536)
        with suppress(OSError), filler.open("ab", buffering=0) as file:
            while True:
                file.write(b"\0" * 512)
        yield
    finally:
        filler.unlink(missing_ok=True)


def has_room(url: str) -> bool:
    """Whether PostgreSQL can store anything."""
    with suppress(psycopg.Error), psycopg.connect(url, connect_timeout=2) as connection:
        connection.execute("create temporary table t as select repeat('x', 1000) from generate_series(1, 100)")
        return True
    return False
