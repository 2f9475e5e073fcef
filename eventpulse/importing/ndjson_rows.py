"""Rows of NDJSON files: every line that is not blank is one event, as over HTTP."""

from collections.abc import Iterator

from eventpulse.importing.packed import after_last_line, opened
from eventpulse.importing.rows import PIECE_BYTES, PIECE_ROWS, RowFault, Rows

_SHOWN_BYTES = 10_000


def ndjson_rows(name: str, *, after: int, longest: int, piece_rows: int = PIECE_ROWS) -> Iterator[Rows]:
    """The lines of a file behind line `after`, some at a time. A line longer than `longest` bytes has a fault."""
    number = 0
    with opened(name) as file:
        for piece in file.pieces(after_last_line, most_bytes=PIECE_BYTES, longest=longest):
            lines = piece.removesuffix(b"\n").split(b"\n")
            first, number = number + 1, number + len(lines)
            for start in range(0, len(lines), piece_rows):
                some = lines[start : start + piece_rows]
                through = first + start + len(some) - 1
                if through > after:
                    yield _rows(some, first + start, after, longest, file.progress)


def _rows(lines: list[bytes], first: int, after: int, longest: int, progress: float | None) -> Rows:
    numbers: list[int] = []
    kept: list[bytes] = []
    faults: dict[int, RowFault] = {}
    for number, line in enumerate(lines, first):
        if number <= after or not (line := line.strip()):
            continue
        if len(line) > longest:
            faults[len(kept)] = RowFault(f"longer than {longest:,} bytes, which no event may be")
            line = line[:_SHOWN_BYTES]
        numbers.append(number)
        kept.append(line)
    return Rows(numbers, kept, first + len(lines) - 1, progress, faults)
