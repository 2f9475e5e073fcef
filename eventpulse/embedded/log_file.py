"""Logs of our children: each writes to its own file, and the files are kept from growing without end."""

import shutil
from pathlib import Path

#: A log is set aside when it has this size, and one older log is kept beside it.
MOST_BYTES = 5 * 1024 * 1024


def keep_small(log: Path, most_bytes: int = MOST_BYTES) -> None:
    """Set the log's content aside as `<name>.1` when it has grown large.

    It is copied and emptied rather than renamed, because the child goes on writing to the file it was given. What the
    child writes between the two steps is lost: a line or two in five megabytes.
    """
    if log.exists() and log.stat().st_size > most_bytes:
        shutil.copyfile(log, log.with_name(log.name + ".1"))
        with log.open("r+b") as file:
            file.truncate(0)


def last_lines(log: Path, count: int) -> list[str]:
    """The end of the log, for a person who wants to know why."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 64 * 1024))
        text = file.read().decode(errors="replace")
    return [line for line in text.splitlines() if line.strip()][-count:]
