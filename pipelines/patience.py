"""Wait for a server that is away: a little longer each time, never long, and tell afterwards how long it was."""

import logging
import time

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
_log = logging.getLogger(__name__)


class Patience:
    """One stretch of waiting after another. Not shared between threads."""

    def __init__(self) -> None:
        self._pause = _FIRST_PAUSE
        self._since: float | None = None
        self._why = ""

    def wait(self, fault: Exception) -> None:
        """Wait a moment before the next attempt; the fault is why the last one failed."""
        why = (str(fault).splitlines() or [type(fault).__name__])[0]
        if self._since is None or why != self._why:
            # Logged here and now: Dagster's storage may be away as well, and telling it would take many seconds.
            _log.warning("Interrupted, trying again: %s", why)
        self._since, self._why = self._since or time.monotonic(), why
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def ended(self) -> str | None:
        """A sentence about the waiting that is over now; None where there was none."""
        if self._since is None:
            return None
        sentence = f"Interrupted, trying again for {time.monotonic() - self._since:.1f} s: {self._why}"
        self._pause, self._since = _FIRST_PAUSE, None
        return sentence
