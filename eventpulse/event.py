"""The event: what a client sends, how it travels in the stream, and the frame it becomes."""

import msgspec
import polars as pl

UTC_MICROSECONDS: pl.DataType = pl.Datetime("us", "UTC")
#: Years 1 to 9999 in UTC as microseconds since 1970: what PostgreSQL, Polars and Python can all hold.
EARLIEST = -62_135_596_800_000_000
LATEST = 253_402_300_799_999_999

#: One row for each event, as stored and as every rule sees it. `event_id` is a lower-case UUID in text; `payload`
#: and `metadata` are JSON text exactly as the client sent it; `position` is the order of acceptance.
EVENT_SCHEMA = pl.Schema(
    {
        "event_id": pl.String(),
        "event_type": pl.String(),
        "source": pl.String(),
        "timestamp": UTC_MICROSECONDS,
        "received_at": UTC_MICROSECONDS,
        "position": pl.Int64(),
        "payload": pl.String(),
        "metadata": pl.String(),
    }
)


class StreamedEvent(msgspec.Struct, frozen=True):
    """One accepted event as one JSON line of a stream entry.

    Times are integer microseconds since 1970 in UTC. `payload` and `metadata` are JSON text inside a string, so that
    nothing on the way reads, rounds or reorders them.
    """

    event_id: str
    event_type: str
    source: str
    timestamp: int
    received_at: int
    payload: str
    metadata: str


# A position is one integer: milliseconds of the stream entry's id, its sequence number, and the index inside the entry.
# The two small parts saturate instead of overflowing; the event id breaks the ties this can leave, so the order
# (timestamp, position, event_id) is total in any case.
SEQUENCE_BITS = 8
INDEX_BITS = 14


def position_of(milliseconds: int, sequence: int, index: int) -> int:
    """The place of an event in the order of acceptance."""
    small_sequence = min(sequence, (1 << SEQUENCE_BITS) - 1)
    small_index = min(index, (1 << INDEX_BITS) - 1)
    return (milliseconds << (SEQUENCE_BITS + INDEX_BITS)) | (small_sequence << INDEX_BITS) | small_index
