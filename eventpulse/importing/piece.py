"""Turn rows into events as the door of the API would, and name what is wrong with those that are none."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha1
from io import BytesIO
from uuid import UUID

import polars as pl

from eventpulse.event import UTC_MICROSECONDS
from eventpulse.importing.mapping import TableMapping
from eventpulse.importing.rows import RowFault, Rows
from eventpulse.intake.explain import faults_of_event
from eventpulse.intake.json_objects import Issue
from eventpulse.intake.sent_events import UNREADABLE, read_event, read_lines

#: Of so many faulty rows in a piece every fault is named, of the others the first one.
_EXPLAINED = 100
_NAMESPACE = UUID("6f1c1d0e-8f3b-5b52-9a3e-3e0f5b1f0d4a").bytes
_BYTE = re.compile(r"\(byte (\d+)\)")
_TIMES = ("timestamp", "received_at")
_LINE = {
    **dict.fromkeys(("event_id", "event_type", "source"), pl.String()),
    **dict.fromkeys(_TIMES, pl.Int64()),
    **dict.fromkeys(("payload", "metadata"), pl.String()),
}
#: Events of a file as they are read, with the place of each row in the file and its index among the rows of its piece.
PIECE_SCHEMA = pl.Schema(
    {
        **{name: UTC_MICROSECONDS if name in _TIMES else kind for name, kind in _LINE.items()},
        "number": pl.Int64(),
        "index": pl.Int64(),
    }
)


@dataclass(frozen=True)
class Faulty:
    """A row that is no event, as the line that it makes, and what is wrong with it."""

    number: int
    line: bytes
    faults: Sequence[RowFault]

    @property
    def sentence(self) -> str:
        """Everything that is wrong with it."""
        return "; ".join(fault.sentence for fault in self.faults)


@dataclass(frozen=True)
class Piece:
    """Some rows of a file: those that are events (PIECE_SCHEMA), in order, and those that are not."""

    events: pl.DataFrame
    lines: list[bytes]
    faulty: list[Faulty]
    first: int
    through: int
    progress: float | None

    def without(self, faults: dict[int, RowFault]) -> "Piece":
        """The same, where some events turn out not to be storable after all; `faults` are by their number."""
        gone = self.events.filter(pl.col("number").is_in(list(faults)))
        more = [
            Faulty(number, self.lines[index], [faults[number]])
            for number, index in gone.select("number", "index").iter_rows()
        ]
        kept = self.events.filter(~pl.col("number").is_in(list(faults)))
        return replace(self, events=kept, faulty=sorted([*self.faulty, *more], key=lambda faulty: faulty.number))


def read_piece(rows: Rows, mapping: TableMapping, fingerprint: str, *, deepest: int) -> Piece:
    """What some rows say. A row without an event_id always gets the same one: it follows from the first row of its
    file, its own place, and what it says."""
    seed = _NAMESPACE + fingerprint.encode()

    def id_of(index: int) -> str:
        return _name_based_id(seed, rows.numbers[index], rows.lines[index])

    good = [index for index in range(len(rows.lines)) if index not in rows.faults]
    faulty = {index: Faulty(rows.numbers[index], rows.lines[index], [fault]) for index, fault in rows.faults.items()}
    body = b"\n".join([rows.lines[index] for index in good])
    accepted = b""
    try:
        if good:
            accepted = read_lines(body, most=len(good), deepest=deepest, id_of=lambda at: id_of(good[at])).lines
    except UNREADABLE:
        accepted, good, found = _one_by_one(rows, good, mapping, id_of, deepest)
        faulty |= found
    events = _frame(accepted, [rows.numbers[index] for index in good], good)
    first = rows.numbers[0] if rows.numbers else rows.through
    return Piece(events, rows.lines, [faulty[index] for index in sorted(faulty)], first, rows.through, rows.progress)


def _one_by_one(
    rows: Rows, wanted: Sequence[int], mapping: TableMapping, id_of: Callable[[int], str], deepest: int
) -> tuple[bytes, list[int], dict[int, Faulty]]:
    accepted: list[bytes] = []
    good: list[int] = []
    faulty: dict[int, Faulty] = {}
    for index in wanted:
        line = rows.lines[index]
        try:
            accepted.append(read_event(line, deepest=deepest, id_of=_always(id_of, index)).lines)
        except UNREADABLE as fault:
            issues = faults_of_event(line, deepest=deepest) if len(faulty) < _EXPLAINED else []
            issues = issues or [Issue((), str(fault), "invalid_type")]
            faulty[index] = Faulty(rows.numbers[index], line, [_fault(issue, line, mapping) for issue in issues])
        else:
            good.append(index)
    return b"".join(accepted), good, faulty


def _always(id_of: Callable[[int], str], index: int) -> Callable[[int], str]:
    return lambda _: id_of(index)


def _fault(issue: Issue, line: bytes, mapping: TableMapping) -> RowFault:
    """A fault as a person finds it in the file: by the column of the table, or by where in its line it stands."""
    field = ".".join(str(part) for part in issue.path)
    if (column := mapping.column_of(issue.path)) is not None:
        return RowFault(issue.message, f"{column} ({field})")
    if issue.path:
        at = line.find(f'"{issue.path[-1]}"'.encode())
        return RowFault(issue.message, f"{field} (column {at + 1})" if at >= 0 else field)
    message = _BYTE.sub(lambda found: f"(column {int(found[1]) + 1})", issue.message)
    return RowFault(message.replace("Body is", "it is"))


def _frame(lines: bytes, numbers: Sequence[int], indexes: Sequence[int]) -> pl.DataFrame:
    """What was accepted, as the drain reads it out of the stream."""
    if not lines:
        return PIECE_SCHEMA.to_frame()
    frame = pl.read_ndjson(BytesIO(lines), schema=_LINE)
    return frame.with_columns(
        pl.col(_TIMES).cast(UTC_MICROSECONDS),
        number=pl.Series(numbers, dtype=pl.Int64),
        index=pl.Series(indexes, dtype=pl.Int64),
    ).select(PIECE_SCHEMA.names())


def _name_based_id(seed: bytes, number: int, line: bytes) -> str:
    """A UUID version 5 (RFC 9562)."""
    text = sha1(seed + b"%d " % number + line, usedforsecurity=False).hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{'89ab'[int(text[16], 16) & 3]}{text[17:20]}-{text[20:32]}"
