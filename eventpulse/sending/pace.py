"""Spread events evenly over time."""


class Pace:
    """Hands out the moments at which requests may start. After a pause it goes on evenly instead of catching up."""

    def __init__(self, rate: float | None) -> None:
        self._rate = rate
        self._next_start: float | None = None

    def seconds_until_start(self, events: int, now: float) -> float:
        """How long a request with this many events has to wait; the moment after it is taken for the next one."""
        if self._rate is None:
            return 0.0
        start = now if self._next_start is None else max(self._next_start, now)
        self._next_start = start + events / self._rate
        return start - now
