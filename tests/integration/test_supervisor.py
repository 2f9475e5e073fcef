"""Programs are kept running, stopped in order, and never left behind. Small programs stand in for the real ones."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from eventpulse.embedded.leftovers import MARK, end_leftovers
from eventpulse.embedded.program import Program
from eventpulse.embedded.supervisor import StopRequested, Supervisor
from eventpulse.errors import EmbeddedServerError

#: Writes its process id to the file, and a line there when it is asked to end.
OBEDIENT = """
import os, pathlib, signal, sys, time
notes = pathlib.Path(sys.argv[1])
def end(*_):
    with notes.open("a") as file: file.write(f"{sys.argv[2]} ends\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("here I am", flush=True)
pathlib.Path(sys.argv[1] + "." + sys.argv[2]).write_text(str(os.getpid()))
while True: time.sleep(60)
"""
DEAF = OBEDIENT.replace("signal.signal(signal.SIGTERM, end)", "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
#: Starts a process of its own that does not end by itself.
PARENT = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', sys.argv[3], *sys.argv[1:3]]).wait()"


class Stage:
    """A supervisor, the notes its programs take, and what it said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.supervisor = Supervisor(folder, self.said.append)

    @property
    def notes(self) -> list[str]:
        file = self.folder / "notes"
        return file.read_text().splitlines() if file.exists() else []

    def program(self, name: str, code: str = OBEDIENT, *arguments: str, **changes: Any) -> Program:
        command = (sys.executable, "-c", code, str(self.folder / "notes"), name, *arguments)
        settings = {"environment": {MARK: str(self.folder)}, "stop_within_seconds": 20.0, **changes}
        return Program(name, command, lambda: self.process_id(name) is not None, **settings)

    def process_id(self, name: str) -> int | None:
        with suppress(OSError, ValueError):
            return int((self.folder / f"notes.{name}").read_text())
        return None

    def watch_until(self, done: Callable[[], bool]) -> None:
        """Watch as `eventpulse up` does, until something has happened."""

        def look() -> None:
            wait_for(done)
            self.supervisor.stop_requested = True

        other = threading.Thread(target=look)
        other.start()
        self.supervisor.watch()
        other.join()


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def is_gone(process_id: int | None) -> bool:
    assert process_id is not None
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(process_id).status() == psutil.STATUS_ZOMBIE
    return True


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.supervisor.in_a_hurry = True
    stage.supervisor.stop()


def test_programs_are_stopped_in_the_opposite_order(stage: Stage) -> None:
    stage.supervisor.start([stage.program("server")], stage=1)
    stage.supervisor.start([stage.program("service")], stage=2)
    stage.supervisor.wait_until_all_answer()

    stage.supervisor.stop()

    assert stage.notes == ["service ends", "server ends"]


def test_a_program_that_is_killed_is_started_again_and_that_is_said(stage: Stage) -> None:
    stage.supervisor.start([stage.program("api")], stage=1)
    stage.supervisor.wait_until_all_answer()
    first = stage.process_id("api")
    assert first is not None

    os.kill(first, signal.SIGKILL)
    stage.watch_until(lambda: stage.process_id("api") != first)

    assert stage.said[0].startswith("api ended by signal 9 and is started again in 0.5 s.")


def test_a_program_that_cannot_start_ends_everything_with_its_last_words(stage: Stage) -> None:
    stage.supervisor.start([stage.program("broken", "import sys; sys.exit('no such setting: X')")], stage=1)

    with pytest.raises(EmbeddedServerError, match=r"(?s)broken has ended 3 times.*no such setting: X"):
        stage.supervisor.wait_until_all_answer()


def test_a_program_that_stays_silent_is_given_up(stage: Stage) -> None:
    silent = stage.program("silent", "import time; print('thinking', flush=True); time.sleep(60)")
    silent = Program(silent.name, silent.command, lambda: False, ready_within_seconds=0.5)
    stage.supervisor.start([silent], stage=1)

    with pytest.raises(EmbeddedServerError, match=r"(?s)silent does not answer"):
        stage.supervisor.wait_until_all_answer()


def test_a_stop_is_heard_while_programs_are_still_starting(stage: Stage) -> None:
    stage.supervisor.start([stage.program("slow", "import time; time.sleep(60)")], stage=1)
    stage.supervisor.stop_requested = True

    with pytest.raises(StopRequested):
        stage.supervisor.wait_until_all_answer()


def test_a_deaf_program_is_killed_in_the_end(stage: Stage) -> None:
    stage.supervisor.start([stage.program("deaf", DEAF, stop_within_seconds=0.2)], stage=1)
    stage.supervisor.wait_until_all_answer()
    process_id = stage.process_id("deaf")

    stage.supervisor.stop()

    assert is_gone(process_id)


def test_in_a_hurry_nobody_is_waited_for(stage: Stage) -> None:
    stage.supervisor.start([stage.program("deaf", DEAF, stop_within_seconds=10_000)], stage=1)
    stage.supervisor.wait_until_all_answer()
    process_id = stage.process_id("deaf")

    stage.supervisor.in_a_hurry = True
    stage.supervisor.stop()

    assert is_gone(process_id)


def test_processes_that_a_program_started_may_finish_and_are_not_left_behind(stage: Stage) -> None:
    stage.supervisor.start([stage.program("run", PARENT, OBEDIENT, stops_as_group=True)], stage=1)
    stage.supervisor.wait_until_all_answer()
    process_id = stage.process_id("run")

    stage.supervisor.stop()

    assert stage.notes == ["run ends"]
    assert is_gone(process_id)


def test_what_a_killed_program_had_started_goes_on_and_is_stopped_with_the_rest(stage: Stage) -> None:
    stage.supervisor.start([stage.program("run", PARENT, OBEDIENT, stops_as_group=True)], stage=1)
    stage.supervisor.wait_until_all_answer()
    orphan = stage.process_id("run")
    parent = psutil.Process(orphan).ppid()

    os.kill(parent, signal.SIGKILL)
    stage.watch_until(lambda: stage.process_id("run") != orphan)
    assert not is_gone(orphan)
    stage.supervisor.stop()

    assert is_gone(orphan)
    assert stage.notes == ["run ends", "run ends"]


SUPERVISOR_OF_ITS_OWN = """
import pathlib, sys
from eventpulse.embedded.leftovers import MARK
from eventpulse.embedded.program import Program
from eventpulse.embedded.supervisor import Supervisor
folder, code, parent = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
supervisor = Supervisor(folder, print)
notes = str(folder / "notes")
environment = {MARK: str(folder)}
for name, command in {"child": (code, notes, "child"), "run": (parent, notes, "run", code)}.items():
    answers = (folder / f"notes.{name}").exists
    supervisor.start([Program(name, (sys.executable, "-c", *command), answers, environment)], stage=1)
supervisor.wait_until_all_answer()
(folder / "all answer").touch()
supervisor.watch()
"""


def test_a_killed_supervisor_leaves_nothing_for_ever(stage: Stage) -> None:
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISOR_OF_ITS_OWN, stage.folder, OBEDIENT, PARENT])
    wait_for((stage.folder / "all answer").exists)
    child, grandchild = stage.process_id("child"), stage.process_id("run")

    supervisor.kill()
    supervisor.wait(10)

    wait_for(lambda: is_gone(child))  # its end came with the supervisor's
    assert end_leftovers(stage.folder) <= 1  # the grandchild, if it is still there
    assert is_gone(grandchild)


def test_processes_of_other_homes_are_no_leftovers(stage: Stage, tmp_path: Path) -> None:
    stage.supervisor.start([stage.program("api")], stage=1)
    stage.supervisor.wait_until_all_answer()

    assert end_leftovers(tmp_path / "another") == 0
    assert not is_gone(stage.process_id("api"))


def test_a_log_is_kept_small_and_its_older_part_is_kept_once(tmp_path: Path) -> None:
    from eventpulse.embedded.log_file import keep_small, last_lines

    log = tmp_path / "api.log"
    with log.open("a") as writer:
        for line in range(100):
            writer.write(f"line {line}\n")
            writer.flush()
            keep_small(log, most_bytes=200)
        assert log.stat().st_size <= 210
        assert last_lines(log, 1) == ["line 99"]
        assert (tmp_path / "api.log.1").exists()
