"""Rows of a file on their way to events: as the lines of JSON that a client would have sent, and what is wrong with
some of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from eventpulse.errors import EventPulseError

#: So many rows make a piece, and so many bytes at most: what is read, checked and committed at once.
PIECE_ROWS = 20_000
PIECE_BYTES = 8 * 1024 * 1024


class UnreadableImport(EventPulseError):
    """A file cannot be read as what it is said to be, or cannot be mapped to events."""


@dataclass(frozen=True)
class RowFault:
    """What is wrong with a row: in which column of the file, where that is known."""

    message: str
    column: str | None = None
    cause: Literal["unreadable", "refused", "future"] = "unreadable"

    @property
    def sentence(self) -> str:
        """Where in the row, and what."""
        return self.message if self.column is None else f"{self.column}: {self.message}"


@dataclass(frozen=True)
class Rows:
    """Some rows that follow on each other. `numbers` are their places in the file, which count lines or rows from 1;
    `through` is the last place that was read, `progress` how much of the file that is, from 0 to 1 (None: unknown)."""

    numbers: list[int]
    lines: list[bytes]
    through: int
    progress: float | None
    faults: Mapping[int, RowFault] = field(default_factory=dict)  # by index in `lines`
