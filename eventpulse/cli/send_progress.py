"""Show how a sending gets on."""

import os

from rich.console import Console
from rich.progress import TaskID, TimeElapsedColumn

from eventpulse.cli.progress import ProgressBars
from eventpulse.sending.lines import LineFile
from eventpulse.sending.prepare import Refusal
from eventpulse.sending.progress_file import Sending


class SendProgress(ProgressBars):
    """Counts over all files of one command: what was settled before it and what it did itself."""

    def __init__(self, console: Console | None = None, errors: Console | None = None) -> None:
        super().__init__(console, TimeElapsedColumn())
        self._errors = errors or Console(stderr=True, highlight=False)
        self._accepted = self._refused = self._before = 0
        self._accepted_in_file = 0
        self._file: LineFile | None = None
        self._bar: TaskID | None = None

    def begin_file(self, file: LineFile, sending: Sending) -> None:
        """A file is opened; some of it may be settled already."""
        self._file, self._accepted_in_file = file, sending.settled.accepted
        self._before += sending.settled.accepted
        self._bar = self._bars.add_task(os.path.basename(file.name), total=file.size, counts="")
        if sending.settled.spans:
            self.say(f"{file.name}: going on; {sending.settled.accepted:,} events were accepted before.")

    def settle(self, sending: Sending) -> None:
        """One more answer has come."""
        self._accepted += sending.settled.accepted - self._accepted_in_file
        self._accepted_in_file = sending.settled.accepted
        self._show()
        self.say_now_and_then(f"{sending.file}: {self._counts()}")

    def refuse(self, refusal: Refusal) -> None:
        """Name a refused line."""
        self._refused += 1
        name = self._file.name if self._file else ""
        reasons = "; ".join(refusal.reasons)
        self._errors.print(f"{name}:{refusal.line_number}: {reasons}", soft_wrap=True, markup=False)

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
        rate = self._accepted / max(self.seconds, 0.001)
        return f"{self._accepted:,} accepted, {self._refused:,} refused, {rate:,.0f}/s"
