"""Start programs in order, keep them running, and stop them in order."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from eventpulse.embedded.child import Child
from eventpulse.embedded.log_file import keep_small
from eventpulse.embedded.program import Program
from eventpulse.embedded.restarts import LONGEST_WAIT_SECONDS, GiveUp, StartAgain, after_an_end
from eventpulse.errors import EmbeddedServerError

_LOOK_EVERY_SECONDS = 0.1
_STOP_LOOK_EVERY_SECONDS = 0.02
_LOG_LOOK_EVERY_SECONDS = 10.0


class StopRequested(Exception):
    """Someone asked for the end while programs were being started."""


@dataclass
class _Post:
    """A program's place among us: the child that fills it now, and when its children ended."""

    program: Program
    stage: int
    log: Path
    child: Child | None = None
    has_answered: bool = False
    ends: list[float] = field(default_factory=list)
    start_again_at: float = 0.0


class Supervisor:
    """Looks after programs. For one thread only: children end with the thread that started them.

    `stop_requested` and `in_a_hurry` are plain flags, so that a signal handler may set them at any moment.
    """

    def __init__(self, logs: Path, say: Callable[[str], None]) -> None:
        self._logs = logs
        self._say = say
        self._posts: list[_Post] = []
        # Ended children that left processes of their own behind, which may go on: a run outlives its code server.
        self._departed: list[tuple[int, Child]] = []
        self._logs_looked_at = 0.0
        self.stop_requested = False
        self.in_a_hurry = False

    def start(self, programs: Sequence[Program], *, stage: int) -> None:
        """Start these programs. Those of a later stage need those of earlier ones, and are stopped before them."""
        for program in programs:
            post = _Post(program, stage, self._logs / f"{program.name}.log")
            self._posts.append(post)
            _fill(post)

    def wait_until_all_answer(self) -> None:
        """Return when every program that was started serves.

        Raises EmbeddedServerError, with the end of its log, for one that keeps ending or stays silent too long.
        """
        begun = time.monotonic()
        while True:
            for post in self._posts:
                post.has_answered = post.has_answered or (post.child is not None and post.program.answers())
            silent = [post for post in self._posts if not post.has_answered]
            if not silent:
                return
            for post in silent:
                if time.monotonic() - begun > post.program.ready_within_seconds:
                    raise _failure(post, f"does not answer after {post.program.ready_within_seconds:.0f} s")
            time.sleep(_LOOK_EVERY_SECONDS)
            if self.stop_requested:
                raise StopRequested
            self._replace_ended()

    def watch(self) -> None:
        """Keep every program running until a stop is requested."""
        while not self.stop_requested:
            time.sleep(_LOOK_EVERY_SECONDS)
            self._replace_ended()
            self._keep_logs_small()

    def stop(self) -> None:
        """Stop everything, the last stage first, and leave no process behind."""
        children = [(post.stage, post.child) for post in self._posts if post.child is not None] + self._departed
        for stage in sorted({stage for stage, _ in children}, reverse=True):
            self._stop_together([child for its_stage, child in children if its_stage == stage])
        self._posts.clear()
        self._departed.clear()

    def _stop_together(self, children: Sequence[Child]) -> None:
        for child in children:
            child.ask_to_end()
        waiting = list(children)
        while waiting:
            for child in waiting:
                if self.in_a_hurry or child.is_overdue():
                    child.end_by_force()
            waiting = [child for child in waiting if not child.has_gone()]
            if waiting:
                time.sleep(_STOP_LOOK_EVERY_SECONDS)

    def _replace_ended(self) -> None:
        self._departed = [(stage, child) for stage, child in self._departed if not child.has_gone()]
        for post in self._posts:
            if post.child is None:
                if time.monotonic() >= post.start_again_at:
                    self._start_again(post)
            elif post.child.exit_code is not None:
                self._note_end(post, post.child, time.monotonic())

    def _start_again(self, post: _Post) -> None:
        try:
            _fill(post)
        except OSError as fault:  # no room for its log, or no memory for its process
            post.start_again_at = time.monotonic() + LONGEST_WAIT_SECONDS
            self._say(f"{post.program.name} cannot be started now ({fault}); trying again.")

    def _note_end(self, post: _Post, child: Child, now: float) -> None:
        post.ends.append(now)
        code = child.exit_code or 0
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        match after_an_end(post.ends, now, has_answered=post.has_answered):
            case GiveUp(ends):
                raise _failure(post, f"has ended {ends} times, {how} at last")
            case StartAgain(wait):
                self._say(f"{post.program.name} ended {how} and is started again in {wait:g} s. Its log: {post.log}")
                self._departed.append((post.stage, child))
                post.child, post.start_again_at = None, now + wait

    def _keep_logs_small(self) -> None:
        if time.monotonic() - self._logs_looked_at > _LOG_LOOK_EVERY_SECONDS:
            self._logs_looked_at = time.monotonic()
            for post in self._posts:
                with suppress(OSError):  # where there is no room for it, it waits
                    keep_small(post.log)


def _fill(post: _Post) -> None:
    with suppress(OSError):
        keep_small(post.log)
    post.child = Child(post.program, post.log)


def _failure(post: _Post, what: str) -> EmbeddedServerError:
    words = post.child.last_words() if post.child else ""
    return EmbeddedServerError(f"{post.program.name} {what}. The end of its log, {post.log}:\n{words}")
