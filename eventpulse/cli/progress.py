"""How a long command gets on: bars on a terminal, a line every few seconds elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

_SECONDS_BETWEEN_LINES = 5.0


class ProgressBars:
    """Bars that show `counts` each, for as long as the block runs. `time_column` is what they end with."""

    def __init__(self, console: Console | None = None, time_column: ProgressColumn | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[counts]}", markup=False),
            time_column or TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._begun = self._last_line = time.monotonic()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._begun

    def say(self, sentence: str) -> None:
        """One line for the person who waits."""
        self._console.print(sentence, markup=False)

    def say_now_and_then(self, line: str) -> None:
        """A line where there are no bars, if the last one was some seconds ago."""
        now = time.monotonic()
        if not self._console.is_terminal and now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            self.say(line)
