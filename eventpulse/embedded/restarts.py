"""Decide whether a child that ended is started again, and when."""

from collections.abc import Sequence
from dataclasses import dataclass

#: So many ends within so many seconds are no accident any more; fewer, while the program has never served yet.
MOST_ENDS = 6
MOST_ENDS_BEFORE_THE_FIRST_ANSWER = 3
WITHIN_SECONDS = 120.0
LONGEST_WAIT_SECONDS = 16.0


@dataclass(frozen=True)
class StartAgain:
    """Start it again after this wait."""

    after_seconds: float


@dataclass(frozen=True)
class GiveUp:
    """It keeps ending; more of the same will not help."""

    ends: int


def after_an_end(ends: Sequence[float], now: float, *, has_answered: bool) -> StartAgain | GiveUp:
    """What to do about a child that ended at these instants, the last of them just now.

    The wait doubles with each end that is not long ago: half a second, one, two, four, eight.
    """
    recent = sum(1 for end in ends if now - end <= WITHIN_SECONDS)
    if recent >= (MOST_ENDS if has_answered else MOST_ENDS_BEFORE_THE_FIRST_ANSWER):
        return GiveUp(recent)
    return StartAgain(min(LONGEST_WAIT_SECONDS, 0.5 * 2 ** (recent - 1)))
