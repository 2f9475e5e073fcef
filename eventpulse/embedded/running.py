"""Run one program for as long as a `with` block lasts: what tests and short commands need of a server."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from eventpulse.embedded.program import Program
from eventpulse.errors import EmbeddedServerError

_STOP_WITHIN_SECONDS = 20.0


@contextmanager
def running(program: Program, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Start the program, wait until it answers, and stop it in the end. What it prints goes to the file `log`."""
    process = _start(program, log)
    try:
        yield process
    finally:
        stop(process, program)


def stop(process: "subprocess.Popen[bytes]", program: Program) -> None:
    """Ask the program to end; kill it where it does not."""
    if process.poll() is None:
        process.send_signal(program.stop_signal)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_WITHIN_SECONDS)
        return
    process.kill()
    process.wait()


def _start(program: Program, log: Path) -> "subprocess.Popen[bytes]":
    """Start until it answers. One that ends early is tried again: the children of a killed server still hold its memory."""
    deadline = time.monotonic() + program.ready_within_seconds
    with log.open("ab") as output:
        while True:
            process = subprocess.Popen(
                program.child_command(),
                env=dict(program.environment),
                cwd=program.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            while process.poll() is None:
                if program.answers():
                    return process
                if time.monotonic() > deadline:
                    stop(process, program)
                    break
                time.sleep(0.01)
            if time.monotonic() > deadline:
                last = log.read_text(errors="replace").strip().splitlines()[-3:]
                raise EmbeddedServerError(f"{program.name} did not start. Its last words: {' | '.join(last)}")
            time.sleep(0.1)
