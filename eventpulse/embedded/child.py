"""One running child: a program, its process group and its log."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from eventpulse.embedded.log_file import last_lines
from eventpulse.embedded.program import Program


class Child:
    """A program that has been started. It leads its own process group, so Ctrl-C in a terminal reaches us alone."""

    def __init__(self, program: Program, log: Path) -> None:
        self.program = program
        self.log = log
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
        with suppress(ProcessLookupError):
            if self.program.stops_as_group:
                os.killpg(self.process_id, self.program.stop_signal)
            elif self.exit_code is None:
                self._process.send_signal(self.program.stop_signal)

    def has_gone(self) -> bool:
        """Whether the program and every process it started have ended."""
        if self.exit_code is None:
            return False
        try:
            os.killpg(self.process_id, 0)
        except ProcessLookupError:
            return True
        return False

    def end_by_force(self) -> None:
        """Kill whatever is left of the group."""
        with suppress(ProcessLookupError):
            os.killpg(self.process_id, signal.SIGKILL)
        self._process.wait()

    def last_words(self, count: int = 15) -> str:
        """The end of its log."""
        return "\n".join(last_lines(self.log, count))
