"""What became of one attempt to send: sent, or not, with a sentence that names no secret."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Outcome:
    """`error` is None where the receiver took the message. `refused`: it answered, and does not want it; else it may
    take it another time, after `retry_after` if it said when."""

    error: str | None = None
    refused: bool = False
    retry_after: timedelta | None = None

    @property
    def sent(self) -> bool:
        """Whether the receiver took the message."""
        return self.error is None


SENT = Outcome()


def failed(error: str, *, retry_after: timedelta | None = None) -> Outcome:
    """It may work another time."""
    return Outcome(error, retry_after=retry_after)


def refused(error: str) -> Outcome:
    """The receiver said no."""
    return Outcome(error, refused=True)
