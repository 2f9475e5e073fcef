"""Run one program for as long as a `with` block lasts: what tests and short commands need of a server."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eventpulse.embedded.child import Child
from eventpulse.embedded.program import Program
from eventpulse.errors import EmbeddedServerError


@contextmanager
def running(program: Program, log: Path) -> Iterator[Child]:
    """Start the program, wait until it answers, and stop it in the end. What it prints goes to the file `log`."""
    child = _start(program, log)
    try:
        yield child
    finally:
        _stop(child)


def _start(program: Program, log: Path) -> Child:
    """Start until it answers. An early end is tried again: the children of a killed server still hold its memory."""
    deadline = time.monotonic() + program.ready_within_seconds
    while True:
        child = Child(program, log)
        while child.exit_code is None and time.monotonic() < deadline:
            if program.answers():
                return child
            time.sleep(0.01)
        _stop(child)
        if time.monotonic() >= deadline:
            raise EmbeddedServerError(f"{program.name} did not start. The end of its log:\n{child.last_words()}")
        time.sleep(0.1)


def _stop(child: Child) -> None:
    child.ask_to_end()
    while not child.has_gone():
        if child.is_overdue():
            child.end_by_force()
        time.sleep(0.01)
