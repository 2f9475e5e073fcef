"""The home folder of one installation: data, logs, passwords; and the lock that lets one `eventpulse up` have it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eventpulse.errors import EmbeddedServerError


@contextmanager
def locked_home(home: Path) -> Iterator[None]:
    """Have the home folder to ourselves, made where it is missing, closed to other users.

    The kernel drops the lock with the process, however it ends. Raises EmbeddedServerError where another one has it.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (home / "logs").mkdir(exist_ok=True)
        file = (home / "up.lock").open("a+")
    except OSError as fault:
        raise EmbeddedServerError(
            f"The home folder {home} cannot be used: {fault.strerror}. Set EVENTPULSE_HOME to a folder of yours."
        ) from fault
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            file.seek(0)
            other = file.read().strip() or "unknown"
            raise EmbeddedServerError(
                f"EventPulse already runs in {home} (process {other}). "
                "Stop it first, or set EVENTPULSE_HOME and other ports for a second installation."
            ) from fault
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
