"""Cut the lines of a file into requests."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from eventpulse.errors import EventPulseError
from eventpulse.sending.lines import Line
from eventpulse.sending.prepare import Preparation, Refusal
from eventpulse.sending.settled import Settled, Span

MOST_EVENTS = 1_000
MOST_BYTES = 1_000_000
#: A paced sending makes at most this many requests a second.
PACED_REQUESTS = 50


class FileChanged(EventPulseError):
    """A file no longer holds the lines that were sent from it."""


@dataclass
class Batch:
    """The events of one request, and the lines between them that were refused before anything was sent."""

    first_line: int
    last_line: int = 0
    last_digest: str = ""
    line_numbers: list[int] = field(default_factory=list)
    events: list[bytes] = field(default_factory=list)
    unsendable: list[Refusal] = field(default_factory=list)
    size: int = 0

    @property
    def span(self) -> Span:
        """All lines this batch answers for, blank ones included."""
        return Span(self.first_line, self.last_line, self.last_digest)

    @property
    def is_empty(self) -> bool:
        """Whether no line has been added yet."""
        return not self.last_line

    def takes(self, prepared: bytes | Refusal, most_events: int) -> bool:
        """Whether one more line fits. A single event always does, however long it is."""
        if self.is_empty:
            return True
        full = len(self.events) + len(self.unsendable) >= most_events
        too_long = isinstance(prepared, bytes) and bool(self.events) and self.size + len(prepared) > MOST_BYTES
        return not (full or too_long)

    def add(self, line: Line, prepared: bytes | Refusal) -> None:
        """Take one more line."""
        self.last_line, self.last_digest = line.number, line.digest
        if isinstance(prepared, Refusal):
            self.unsendable.append(prepared)
        else:
            self.line_numbers.append(line.number)
            self.events.append(prepared)
            self.size += len(prepared) + 1


def cut_batches(
    lines: Iterable[Line], preparation: Preparation, settled: Settled, *, most_events: int = MOST_EVENTS
) -> Iterator[Batch]:
    """Batches of at most `most_events` events and about a megabyte, of the lines that are not settled yet.

    Raises FileChanged where a settled line is not the one that was sent.
    """
    batch = Batch(first_line=1)
    for line in lines:
        if span := settled.holds(line.number):
            if line.number == span.last and line.digest != span.digest:
                raise FileChanged(f"Line {line.number} is not the one that was sent. Send the file --again.")
            if not batch.is_empty:
                yield batch
            batch = Batch(first_line=span.last + 1)
            continue
        prepared = preparation.apply(line)
        if not batch.takes(prepared, most_events):
            yield batch
            batch = Batch(first_line=batch.last_line + 1)
        batch.add(line, prepared)
    if not batch.is_empty:
        yield batch


def events_per_request(rate: float | None) -> int:
    """How many events a request should carry so that a paced sending is even and yet does not drown in requests."""
    return MOST_EVENTS if rate is None else max(1, min(MOST_EVENTS, int(rate / PACED_REQUESTS)))


def json_array(events: Iterable[bytes]) -> bytes:
    """Events as one JSON array."""
    return b"[" + b",".join(events) + b"]"
