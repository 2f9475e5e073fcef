"""Show how a walk through history gets on."""

from datetime import datetime

from rich.console import Console

from eventpulse.cli.progress import ProgressBars


class HistoryProgress(ProgressBars):
    """Counts the events that have been passed, of `total`."""

    def __init__(self, doing: str, total: int, console: Console | None = None) -> None:
        super().__init__(console)
        self._bar = self._bars.add_task(doing, total=max(total, 1), counts="")
        self._total, self._passed = total, 0

    @property
    def passed(self) -> int:
        """How many events so far."""
        return self._passed

    def advance(self, events: int, until: datetime, found: str) -> None:
        """So many more events, which reach until an instant."""
        self._passed += events
        rate = self._passed / max(self.seconds, 0.001)
        counts = f"{self._passed:,} of {self._total:,} events, {rate:,.0f}/s; {found}; at {until:%Y-%m-%d %H:%M}"
        self._bars.update(self._bar, completed=min(self._passed, self._total), counts=counts)
        self.say_now_and_then(counts)
