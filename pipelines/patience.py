"""Wait for a server that is away: a little longer each time, never long, and tell afterwards how long it was."""

import logging
import time

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
#: After so much time without a fault the next one is the first again.
_CALM_SECONDS = 5.0
_log = logging.getLogger(__name__)


class Patience:
    """One stretch of waiting after another. Not shared between threads."""

    def __init__(self) -> None:
        self._pause = _FIRST_PAUSE
        self._since: float | None = None
        self._waited_until = 0.0
        self._why = ""
        self._told = False

    def wait(self, fault: Exception) -> None:
        """Wait a moment before the next attempt; the fault is why the last one failed."""
        now = time.monotonic()
        if now - self._waited_until > _CALM_SECONDS:
            self._pause, self._told, self._why = _FIRST_PAUSE, False, ""
        why = (str(fault).splitlines() or [type(fault).__name__])[0]
        if why != self._why:
            # Logged here and now: Dagster's storage may be away as well, and telling it would take many seconds.
            _log.warning("Interrupted, trying again: %s", why)
        self._since, self._why = self._since or now, why
        time.sleep(self._pause)
        self._waited_until = time.monotonic()
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    @property
    def waited_seconds(self) -> float:
        """How long it has been waited since the last end of it."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def ended(self) -> str | None:
        """A sentence about the waiting that seems to be over; None where there was none, or where the same fault keeps
        coming back and has been told of."""
        if self._since is None:
            return None
        sentence = f"Interrupted, trying again for {time.monotonic() - self._since:.1f} s: {self._why}"
        told, self._since, self._told = self._told, None, True
        return None if told else sentence
