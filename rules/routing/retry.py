"""Tenth: what could not be sent is tried again, a little later each time, and a dead channel slowly."""

from datetime import datetime, timedelta

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)
#: A receiver may ask for a longer pause than ours, but not for ever.
LONGEST_ASKED = timedelta(hours=1)
#: So many failures in a row, and a channel counts as dead: one message at a time tries whether it is back.
DEAD_AFTER = 5


def next_try(attempts: int, now: datetime, *, chance: float, asked: timedelta | None = None) -> datetime:
    """When to try again after so many attempts. `chance` in [0, 1) spreads those that failed together: the pause is
    between half of its length and all of it, and never shorter than the receiver asked for."""
    doubled = FIRST_PAUSE * (1 << min(max(attempts, 1) - 1, 20))
    pause = min(doubled, LONGEST_PAUSE) * (0.5 + chance / 2)
    if asked is not None:
        pause = max(pause, min(asked, LONGEST_ASKED))
    return now + pause


def rest_after(failures: int, failed_at: datetime, *, asked: timedelta | None = None) -> datetime | None:
    """Until when a channel is left alone after so many failures in a row; None: not at all."""
    pause = LONGEST_PAUSE if failures >= DEAD_AFTER else timedelta()
    if asked is not None:
        pause = max(pause, min(asked, LONGEST_ASKED))
    return failed_at + pause if pause else None


def state_of(*, enabled: bool, failures: int) -> str:
    """A channel's state as people see it."""
    if not enabled:
        return "disabled"
    if failures >= DEAD_AFTER:
        return "dead"
    return "failing" if failures else "ok"
