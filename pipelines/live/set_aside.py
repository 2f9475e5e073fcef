"""Set events aside that may not or cannot be stored: out of the frame, into the dead letters, bytes and all."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import accumulate

import polars as pl

from eventpulse.clock import iso_utc
from eventpulse.database.ledger.ledger import Cause, DeadLetter
from eventpulse.stream.entry import Entry
from pipelines.live.read_events import ReadEvents


def set_future_aside(read: ReadEvents, entries: Sequence[Entry], most: timedelta) -> ReadEvents:
    """Events whose time lies more than `most` after they were received would drag every watermark along."""
    is_ahead = read.events["timestamp"] - read.events["received_at"] > most
    if not is_ahead.any():
        return read
    ahead = read.events.filter(is_ahead)
    reasons = {
        line: f"its time, {iso_utc(at)}, is more than {most.total_seconds():.0f} s after it was received"
        for line, at in ahead.select("line", "timestamp").iter_rows()
    }
    return set_lines_aside(read, entries, reasons, "future")


def set_lines_aside(read: ReadEvents, entries: Sequence[Entry], reasons: Mapping[int, str], cause: Cause) -> ReadEvents:
    """Set the events of some lines aside, each with its reason. A line is counted over all entries."""
    behind = list(accumulate(entry.line_count for entry in entries))
    split: dict[str, list[bytes]] = {}
    dead = list(read.dead)
    for line, reason in sorted(reasons.items()):
        which = bisect_right(behind, line)
        entry = entries[which]
        lines = split.setdefault(entry.entry_id, (entry.lines or b"").split(b"\n"))
        index = line - (behind[which] - entry.line_count)
        dead.append(DeadLetter(entry.entry_id, entry.place_of(index), lines[index], reason, entry.received_at, cause))
    return ReadEvents(read.events.filter(~pl.col("line").is_in(list(reasons))), dead)
