"""Turn stream entries into a frame of events, and set aside the lines that are none.

The common case is one vectorised decode of all entries. Only where that fails, or leaves a required value empty, is
every line looked at by itself, so that one bad line costs its neighbours nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from uuid import UUID

import msgspec
import polars as pl

from eventpulse.database.ledger.ledger import DeadLetter
from eventpulse.event import EARLIEST, EVENT_SCHEMA, LATEST, UTC_MICROSECONDS, StreamedEvent, position_of
from eventpulse.stream.entry import Entry

_LINE_SCHEMA = pl.Schema(
    {
        "event_id": pl.String(),
        "event_type": pl.String(),
        "source": pl.String(),
        "timestamp": pl.Int64(),
        "received_at": pl.Int64(),
        "payload": pl.String(),
        "metadata": pl.String(),
    }
)
#: Events as they are read: the event frame, and which line of all entries each was.
READ_SCHEMA = pl.Schema([*EVENT_SCHEMA.items(), ("line", pl.Int64())])
#: For a handful of lines, setting up the vectorised decode takes longer than reading them.
_WORTH_READING_TOGETHER = 30
_UUID_TEXT = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_decoder = msgspec.json.Decoder(StreamedEvent)


@dataclass(frozen=True)
class ReadEvents:
    """What entries held: readable events in order of acceptance (READ_SCHEMA), and lines that are set aside."""

    events: pl.DataFrame
    dead: list[DeadLetter]

    @property
    def taken(self) -> int:
        """How many lines came in, readable or not."""
        return self.events.height + len(self.dead)


#: What no entries hold.
NOTHING_READ = ReadEvents(READ_SCHEMA.to_frame(), [])


def read_events(entries: Sequence[Entry]) -> ReadEvents:
    """Decode every line of the entries, oldest first."""
    if not entries:
        return NOTHING_READ
    if sum(entry.count for entry in entries) < _WORTH_READING_TOGETHER:
        return _read_one_by_one(entries)
    together = _read_together(entries)
    return ReadEvents(together, []) if together is not None else _read_one_by_one(entries)


def _read_together(entries: Sequence[Entry]) -> pl.DataFrame | None:
    """All entries in one decode; None where any line needs a closer look."""
    if any(entry.lines is None for entry in entries):
        return None
    try:
        frame = pl.read_ndjson(BytesIO(b"\n".join(entry.lines for entry in entries)), schema=_LINE_SCHEMA)  # type: ignore[misc]
    except pl.exceptions.PolarsError:
        return None
    counts = [entry.line_count for entry in entries]
    if frame.height != sum(counts) or any(frame.null_count().row(0)):
        return None
    if not all(frame[name].is_between(EARLIEST, LATEST).all() for name in ("timestamp", "received_at")):
        return None
    if not frame["event_id"].str.contains(_UUID_TEXT).all():
        return None
    return _with_positions(frame, entries, counts)


def _with_positions(frame: pl.DataFrame, entries: Sequence[Entry], counts: Sequence[int]) -> pl.DataFrame:
    base = pl.Series([position_of(entry.milliseconds, entry.sequence, 0) for entry in entries], dtype=pl.Int64)
    starts = pl.Series(counts, dtype=pl.Int64).cum_sum().shift(1, fill_value=0)
    which = pl.select(pl.int_range(len(entries)).repeat_by(pl.Series(counts)).explode()).to_series()
    line = pl.int_range(frame.height, eager=True)
    index = line - starts.gather(which)
    if any(entry.places is not None for entry in entries):  # shared among shards: the order is that of the whole flush
        index = pl.Series(
            [place for entry in entries for place in entry.places or range(entry.line_count)], dtype=pl.Int64
        )
    return frame.with_columns(
        pl.col("timestamp", "received_at").cast(UTC_MICROSECONDS), position=base.gather(which) + index, line=line
    ).select(READ_SCHEMA.names())


def _read_one_by_one(entries: Sequence[Entry]) -> ReadEvents:
    rows: list[tuple[object, ...]] = []
    dead: list[DeadLetter] = []
    first_line = behind = 0
    for entry in entries:
        first_line, behind = behind, behind + entry.line_count
        if entry.lines is None:
            raw = msgspec.json.encode({key.decode("utf-8", "replace"): value for key, value in entry.fields.items()})
            dead.append(DeadLetter(entry.entry_id, 0, raw, "the stream entry has no field `events`", entry.received_at))
            continue
        for index, line in enumerate(entry.lines.split(b"\n")):
            try:
                event = _decoder.decode(line)
                msgspec.json.decode(event.payload), msgspec.json.decode(event.metadata)
                event_id = str(UUID(event.event_id))
                if not (EARLIEST <= event.timestamp <= LATEST and EARLIEST <= event.received_at <= LATEST):
                    raise ValueError("a time outside the years 1 to 9999")
            except (msgspec.DecodeError, ValueError, RecursionError) as fault:
                dead.append(DeadLetter(entry.entry_id, entry.place_of(index), line, str(fault), entry.received_at))
                continue
            place = position_of(entry.milliseconds, entry.sequence, entry.place_of(index))
            rows.append(
                (
                    event_id,
                    event.event_type,
                    event.source,
                    event.timestamp,
                    event.received_at,
                    place,
                    event.payload,
                    event.metadata,
                    first_line + index,
                )
            )
    schema = {name: pl.Int64 if kind == UTC_MICROSECONDS else kind for name, kind in READ_SCHEMA.items()}
    frame = pl.DataFrame(rows, schema=schema, orient="row").cast(READ_SCHEMA)
    return ReadEvents(frame, dead)
