"""Show how a sending gets on: a bar on a terminal, a line every few seconds elsewhere."""

import os
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from eventpulse.sending.lines import LineFile
from eventpulse.sending.prepare import Refusal
from eventpulse.sending.progress_file import Sending

_SECONDS_BETWEEN_LINES = 5.0


class SendProgress:
    """Counts over all files of one command: what was settled before it and what it did itself."""

    def __init__(self, console: Console | None = None, errors: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._errors = errors or Console(stderr=True, highlight=False)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[counts]}"),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._begun = self._last_line = time.monotonic()
        self._accepted = self._refused = self._before = 0
        self._accepted_in_file = 0
        self._file: LineFile | None = None
        self._bar: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begin_file(self, file: LineFile, sending: Sending) -> None:
        """A file is opened; some of it may be settled already."""
        self._file, self._accepted_in_file = file, sending.settled.accepted
        self._before += sending.settled.accepted
        self._bar = self._bars.add_task(os.path.basename(file.name), total=file.size, counts="")
        if sending.settled.spans:
            self.say(f"{file.name}: going on; {sending.settled.accepted:,} events were accepted before.")

    def settle(self, sending: Sending, now: float) -> None:
        """One more answer has come."""
        self._accepted += sending.settled.accepted - self._accepted_in_file
        self._accepted_in_file = sending.settled.accepted
        self._show()
        if not self._console.is_terminal and now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            self._console.print(f"{sending.file}: {self._counts()}", markup=False)

    def refuse(self, refusal: Refusal) -> None:
        """Name a refused line."""
        self._refused += 1
        name = self._file.name if self._file else ""
        reasons = "; ".join(refusal.reasons)
        self._errors.print(f"{name}:{refusal.line_number}: {reasons}", soft_wrap=True, markup=False)

    def say(self, sentence: str) -> None:
        """Something a waiting person wants to know."""
        self._bars.console.print(sentence, markup=False)

    def end_file(self) -> None:
        """The file is through."""
        if self._file and self._bar is not None:
            size = self._file.size or 1
            self._bars.update(self._bar, total=size, completed=size, counts=self._counts())

    def say_the_end(self) -> None:
        """Exact counts."""
        before = f" ({self._before:,} more before)" if self._before else ""
        self._console.print(f"{self._accepted:,} accepted{before}, {self._refused:,} refused.", markup=False)
        if not self._accepted and not self._refused and self._before:
            self._console.print("Everything had been sent. --again --new-ids sends it as new events.")

    def _show(self) -> None:
        if self._file and self._bar is not None:
            self._bars.update(self._bar, completed=self._file.read_bytes, counts=self._counts())

    def _counts(self) -> str:
        rate = self._accepted / max(time.monotonic() - self._begun, 0.001)
        return f"{self._accepted:,} accepted, {self._refused:,} refused, {rate:,.0f}/s"
