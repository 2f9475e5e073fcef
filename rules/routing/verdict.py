"""What every decision about notifications answers: whether the intent goes on, and why."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Verdict:
    """Whether an intent goes on to the next decision. The reason is shown to people as it stands.

    A held intent is looked at again at `look_again_at`; without one, it is held for good.
    """

    goes_on: bool
    reason: str
    look_again_at: datetime | None = None


def goes_on(reason: str) -> Verdict:
    """On to the next decision."""
    return Verdict(True, reason)


def held(reason: str, *, look_again_at: datetime | None = None) -> Verdict:
    """Not sent, for now or for good."""
    return Verdict(False, reason, look_again_at)
