"""End what a killed `eventpulse up` left running, before the next one starts."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from eventpulse.errors import EmbeddedServerError

#: Every child carries this variable, with the home folder it belongs to.
MARK = "EVENTPULSE_CHILD_OF"
_SERVERS = ("postgres", "valkey-server")
# Enough for a drain to finish its micro-batch; a code server would go on waiting for sensors that nobody asks any more.
_END_WITHIN_SECONDS = 4.0


def end_leftovers(home: Path) -> int:
    """Ask every process that an earlier `up` of this home left behind to end; kill those that do not. Returns how many.

    The caller holds the lock of the home folder, so nobody else has children there.
    """
    found = list(_left_behind(home))
    for process in found:
        with suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(found, timeout=_END_WITHIN_SECONDS)
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    _, alive = psutil.wait_procs(alive, timeout=5)
    if alive:
        names = ", ".join(f"{process.pid}" for process in alive)
        raise EmbeddedServerError(f"Processes of an earlier run do not end: {names}. End them and try again.")
    return len(found)


def _left_behind(home: Path) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == str(home) or _is_server_of(process, home):
                yield process


def _is_server_of(process: psutil.Process, home: Path) -> bool:
    # The servers show a title in the place where their environment was, but they stay in their data folder.
    if process.name() not in _SERVERS or not Path(process.cwd()).is_relative_to(home):
        return False
    parent = process.parent()  # PostgreSQL ends its own children
    return parent is None or parent.name() not in _SERVERS
