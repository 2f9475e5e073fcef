"""One running child: a program, its process group and its log."""

import math
import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

from eventpulse.embedded.log_file import last_lines
from eventpulse.embedded.program import Program

_BOOKKEEPER = "multiprocessing.resource_tracker"


class Child:
    """A program that has been started. It leads its own process group, so Ctrl-C in a terminal reaches us alone."""

    def __init__(self, program: Program, log: Path) -> None:
        self.program = program
        self.log = log
        self._must_end_by = math.inf
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                program.child_command(),
                env=dict(program.environment),
                cwd=program.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def process_id(self) -> int:
        """Of the program itself, which also names its process group."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative where a signal ended it."""
        return self._process.poll()

    def ask_to_end(self) -> None:
        """Send the program its stop signal; the whole group where it starts processes of its own."""
        self._must_end_by = time.monotonic() + self.program.stop_within_seconds
        with suppress(ProcessLookupError):
            if self.program.stops_as_group:
                os.killpg(self.process_id, self.program.stop_signal)
            elif self.exit_code is None:
                self._process.send_signal(self.program.stop_signal)

    def has_gone(self) -> bool:
        """Whether the program and every process it started have ended."""
        return self.exit_code is not None and not self._others_live()

    def is_overdue(self) -> bool:
        """Whether it has had the time it needs to end, since it was asked to."""
        if self.program.lingers_seconds is not None and not self._others_live():
            self._must_end_by = min(self._must_end_by, time.monotonic() + self.program.lingers_seconds)
        return time.monotonic() > self._must_end_by

    def end_by_force(self) -> None:
        """Kill whatever is left of the group."""
        with suppress(ProcessLookupError):
            os.killpg(self.process_id, signal.SIGKILL)
        self._process.wait()

    def last_words(self, count: int = 15) -> str:
        """The end of its log."""
        return "\n".join(last_lines(self.log, count))

    def _others_live(self) -> bool:
        """Whether a process of the group runs, the program itself aside.

        Ended ones that nobody has asked about yet do not count, nor does the bookkeeper that Python's multiprocessing
        starts: it ends after everyone else.
        """
        try:
            os.killpg(self.process_id, 0)
        except ProcessLookupError:
            return False
        for process in psutil.process_iter():
            with suppress(ProcessLookupError, psutil.Error):
                if process.pid == self.process_id or os.getpgid(process.pid) != self.process_id:
                    continue
                if process.status() != psutil.STATUS_ZOMBIE and _BOOKKEEPER not in " ".join(process.cmdline()):
                    return True
        return False
