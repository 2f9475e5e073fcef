"""Show how a walk through history gets on: a bar on a terminal, a line every few seconds elsewhere."""

import time
from datetime import datetime
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

_SECONDS_BETWEEN_LINES = 5.0


class HistoryProgress:
    """Counts the events that have been passed, of `total`."""

    def __init__(self, doing: str, total: int, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[counts]}", markup=False),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._bar = self._bars.add_task(doing, total=max(total, 1), counts="")
        self._total, self._passed = total, 0
        self._begun = self._last_line = time.monotonic()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    @property
    def passed(self) -> int:
        """How many events so far."""
        return self._passed

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._begun

    def advance(self, events: int, until: datetime, found: str) -> None:
        """So many more events, which reach until an instant."""
        self._passed += events
        counts = (
            f"{self._passed:,} of {self._total:,} events, {self._passed / max(self.seconds, 0.001):,.0f}/s; {found}"
        )
        self._bars.update(
            self._bar, completed=min(self._passed, self._total), counts=f"{counts}; at {until:%Y-%m-%d %H:%M}"
        )
        now = time.monotonic()
        if not self._console.is_terminal and now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            self._console.print(f"{counts}; at {until:%Y-%m-%d %H:%M}", markup=False)
