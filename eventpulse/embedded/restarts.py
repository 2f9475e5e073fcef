"""Decide whether a child that ended is started again, and when."""

from collections.abc import Sequence
from dataclasses import dataclass

#: A program that has never served yet and has ended so often within so many seconds will not do better next time.
MOST_ENDS_BEFORE_THE_FIRST_ANSWER = 3
WITHIN_SECONDS = 120.0
LONGEST_WAIT_SECONDS = 8.0


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

    The wait doubles with each end that is not long ago: half a second, one, two, four, eight. What has served before is
    never given up: what it lacks, such as room on the disk, will be there again, and stopping the others would make the
    trouble of one part the trouble of all.
    """
    recent = sum(1 for end in ends if now - end <= WITHIN_SECONDS)
    if not has_answered and recent >= MOST_ENDS_BEFORE_THE_FIRST_ANSWER:
        return GiveUp(recent)
    return StartAgain(min(LONGEST_WAIT_SECONDS, 0.5 * 2 ** (recent - 1)))
