"""Show how an import gets on, what could not be imported, and what came of it."""

import os
from collections import Counter
from collections.abc import Sequence
from datetime import date

from rich.console import Console
from rich.progress import TaskID
from rich.table import Table

from eventpulse.cli.progress import ProgressBars
from eventpulse.database.events.imports import Dealt
from eventpulse.importing.files import EventFile
from eventpulse.importing.piece import Faulty

_FAULTS_SHOWN = 20
_DAYS_SHOWN = 40


class ImportProgress(ProgressBars):
    """Counts over all files of one command."""

    def __init__(self, console: Console | None = None, errors: Console | None = None) -> None:
        super().__init__(console)
        self._errors = errors or Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar: TaskID | None = None
        self._faults_shown = 0
        self.dealt = Dealt()
        self.by_day: Counter[date] = Counter()

    def begin_file(self, file: EventFile, after: int) -> None:
        """A file is opened; its first `after` lines or rows were dealt with before."""
        self._bar = self._bars.add_task(os.path.basename(file.name), total=1.0, counts="")
        if after:
            self.say(f"{file.name}: {after:,} {file.unit}s were imported before; going on behind them.")

    def add(self, file: EventFile, dealt: Dealt, new_by_day: dict[date, int], done: float | None) -> None:
        """One more piece."""
        self.dealt += dealt
        self.by_day.update(new_by_day)
        counts = f"{self.dealt.rows:,} rows, {self.dealt.rows / max(self.seconds, 0.001):,.0f}/s"
        if self._bar is not None:
            self._bars.update(self._bar, total=None if done is None else 1.0, completed=done or 0, counts=counts)
        self.say_now_and_then(f"{file.name}: {counts}" + ("" if done is None else f", {done:.0%} of the file"))

    def show_faults(self, file: EventFile, faulty: Sequence[Faulty]) -> None:
        """Name rows that are no events; of a great many, the first ones."""
        for each in faulty[: max(_FAULTS_SHOWN - self._faults_shown, 0)]:
            self._errors.print(f"{file.name}, {file.unit} {each.number}, {each.sentence}", markup=False)
        more = len(faulty) - max(_FAULTS_SHOWN - self._faults_shown, 0)
        if self._faults_shown <= _FAULTS_SHOWN < self._faults_shown + len(faulty) and more > 0:
            self._errors.print("... and more, which are only counted.", markup=False)
        self._faults_shown += len(faulty)

    def show_the_end(self, stored: str, skipped: str) -> None:
        """What became of all rows, and the new events by day."""
        dealt = self.dealt
        self.say(
            f"{dealt.rows:,} rows in {self.seconds:.1f} s ({dealt.rows / max(self.seconds, 0.001):,.0f}/s):"
            f" {dealt.stored:,} {stored}, {dealt.duplicates:,} there already"
            + (f", {dealt.dead_lettered:,} set aside as dead letters" if dealt.dead_lettered else "")
            + (f", {dealt.skipped:,} {skipped}" if dealt.skipped else "")
            + "."
        )
        if self.by_day:
            self._console.print(_days(self.by_day))


def _days(by_day: Counter[date]) -> Table:
    months = len(by_day) > _DAYS_SHOWN
    table = Table(box=None, pad_edge=False)
    table.add_column("month" if months else "day (UTC)")
    table.add_column("new events", justify="right")
    sums: Counter[str] = Counter()
    for day, count in by_day.items():
        sums[day.isoformat()[: 7 if months else 10]] += count
    for name, count in sorted(sums.items()):
        table.add_row(name, f"{count:,}")
    return table
