"""Last: when a message is not tried any more. That is visible, and final."""

from datetime import datetime, timedelta

from rules.routing.verdict import Verdict, goes_on, held

#: A channel may be away for a night; news older than a day is none.
WORTH_TRYING = timedelta(hours=24)
#: A receiver that answers "no" so often means it.
MOST_REFUSALS = 3


def worth_another_try(*, attempts: int, refused: bool, first_due_at: datetime, now: datetime) -> Verdict:
    """Whether a message that could not be sent is tried again. `refused`: the receiver said that it won't take it."""
    if refused and attempts >= MOST_REFUSALS:
        return held(f"failed: refused {attempts} times")
    if now - first_due_at >= WORTH_TRYING:
        return held(f"gave up: not delivered within {WORTH_TRYING // timedelta(hours=1)} hours")
    return goes_on(f"tried again after {attempts} attempt{'s' if attempts != 1 else ''}")


def after_interruption(*, interrupted_before: bool, receiver_knows_keys: bool) -> Verdict:
    """Whether a message whose sender died in the middle of sending is sent once more. It may have arrived: who does not
    know keys may see it twice, and never three times."""
    if interrupted_before and not receiver_knows_keys:
        return held("failed: its sender died twice while sending it; it may have arrived")
    return goes_on("sent again with the same key: its sender died while sending it")
