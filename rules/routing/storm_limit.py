"""Ninth: a channel gets so many messages a minute and not one more; what is too much becomes one digest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

WINDOW = timedelta(minutes=1)


class Form(StrEnum):
    """How the next message goes out."""

    SINGLE = "single"
    DIGEST = "digest"


@dataclass(frozen=True)
class Room:
    """The form of the next message; None where there is no room before `not_before`."""

    form: Form | None
    reason: str
    not_before: datetime | None = None


def room_for(due: int, sent: Sequence[datetime], *, max_per_minute: int, now: datetime) -> Room:
    """What may go out now on a channel where `due` messages wait and messages were sent at these instants.

    No minute ever has more than `max_per_minute`: the instants of a window (now - 60 s, now] are counted. The last room
    in a window is kept for a digest, so that a storm is told of as a whole.
    """
    recent = sorted(instant for instant in sent if instant > now - WINDOW)
    left = max_per_minute - len(recent)
    if left <= 0:
        # Where the limit was lowered, several have to leave the window before there is room.
        opens = recent[-max_per_minute] + WINDOW
        return Room(None, f"storm limit: {max_per_minute} messages a minute", opens)
    if left == 1 and due > 1:
        return Room(Form.DIGEST, f"storm limit: {due} messages told of as one")
    return Room(Form.SINGLE, "within the storm limit")
