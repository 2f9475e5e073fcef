"""Store a batch of events once: COPY into a temporary table, then insert what is new."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import psycopg

#: The columns of a batch as it is copied: the event frame and whether the client chose the id.
INCOMING_COLUMNS = (
    "event_id",
    "event_type",
    "source",
    "timestamp",
    "received_at",
    "position",
    "payload",
    "metadata",
    "client_id",
)

_STAGING = """
create temporary table if not exists incoming (
    event_id uuid not null, event_type text not null, source text not null, "timestamp" timestamptz not null,
    received_at timestamptz not null, position bigint not null, payload json not null, metadata json not null,
    client_id boolean not null
) on commit delete rows
"""

# An id a client chose may come again with another timestamp, in another partition: it is looked up by id alone. Ids
# that we made cannot, and are spared the look-up into every day.
_INSERT = """
insert into eventpulse.events
    (event_id, event_type, source, "timestamp", received_at, position, batch_id, origin, payload, metadata)
select event_id, event_type, source, "timestamp", received_at, position, %(batch_id)s, %(origin)s, payload, metadata
from incoming i
where not (i.client_id and exists (select from eventpulse.events e where e.event_id = i.event_id))
on conflict do nothing
"""

# For a great many events at once it is cheaper to look up all ids together, provided that PostgreSQL knows how many
# there are; for a few it would be very much dearer.
_FORGET_KNOWN = """
delete from incoming i using eventpulse.events e where i.client_id and e.event_id = i.event_id
"""
_INSERT_REST = """
insert into eventpulse.events
    (event_id, event_type, source, "timestamp", received_at, position, batch_id, origin, payload, metadata)
select event_id, event_type, source, "timestamp", received_at, position, %(batch_id)s, %(origin)s, payload, metadata
from incoming
on conflict do nothing
"""

_NEW_ONES = """
select e.event_id::text from eventpulse.events e join incoming i using (event_id, "timestamp")
where e.batch_id = %(batch_id)s
"""


# Below this, events are counted one by one.
_MANY = 128
#: What PostgreSQL raises when it will never take a value: not as its type, or not of its size or depth.
REFUSALS = (psycopg.DataError, psycopg.errors.ProgramLimitExceeded, psycopg.errors.StatementTooComplex)


@dataclass(frozen=True)
class Stored:
    """`new` are the events that were not there before, in the order given; the others were duplicates."""

    new: pl.DataFrame
    duplicates: int


def prepare_staging(connection: psycopg.Connection) -> None:
    """Make the temporary table of this connection; once is enough."""
    connection.execute(_STAGING)


def store_events(
    connection: psycopg.Connection, events: pl.DataFrame, *, batch_id: int, origin: str, many: bool = False
) -> Stored:
    """Insert the events that are new, inside the caller's transaction. `many`: thousands, of which the day is unknown.

    `events` has INCOMING_COLUMNS; within it each id stands once. Raises one of REFUSALS where PostgreSQL refuses a
    value; nothing is stored then.
    """
    _copy(connection, events)
    if many and events["client_id"].any():
        connection.execute("analyze incoming (event_id)")
        connection.execute(_FORGET_KNOWN)
    statement = _INSERT_REST if many else _INSERT
    inserted = connection.execute(statement, {"batch_id": batch_id, "origin": origin}).rowcount
    if inserted == events.height:
        return Stored(events, 0)
    new_ids = [row[0] for row in connection.execute(_NEW_ONES, {"batch_id": batch_id})]
    new = events.filter(pl.col("event_id").is_in(new_ids))
    return Stored(new, events.height - new.height)


def withdraw(
    connection: psycopg.Connection, events: pl.DataFrame, event_ids: Sequence[str], batch_id: int
) -> pl.DataFrame:
    """Take back events of a batch that turn out to be duplicates, inside the transaction that stored them; gives the
    others."""
    connection.execute(
        "delete from eventpulse.events where batch_id = %s and event_id = any(%s::uuid[])", (batch_id, list(event_ids))
    )
    return events.filter(~pl.col("event_id").is_in(list(event_ids)))


def refused_events(connection: psycopg.Connection, events: pl.DataFrame) -> list[tuple[int, str]]:
    """Which rows PostgreSQL refuses, and why, found by halving: the row numbers and the server's words.

    To be asked inside a transaction that will be thrown away.
    """
    try:
        with connection.transaction():
            _copy(connection, events)
            connection.execute(_INSERT, {"batch_id": 0, "origin": "live"})
            raise psycopg.Rollback()
    except REFUSALS as fault:
        if events.height == 1:
            return [(0, fault.diag.message_primary or type(fault).__name__)]
    else:
        return []
    half = events.height // 2
    first = refused_events(connection, events[:half])
    second = refused_events(connection, events[half:])
    return first + [(row + half, why) for row, why in second]


def _copy(connection: psycopg.Connection, events: pl.DataFrame) -> None:
    lines = events.select(INCOMING_COLUMNS).write_csv(include_header=False, datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ")
    with connection.cursor() as cursor:
        with cursor.copy("copy incoming from stdin with (format csv)") as copy:
            copy.write(lines)
        if cursor.rowcount != events.height:
            # Servers before 18 take a line that is just `\.` inside a quoted text for the end of the data.
            raise psycopg.DataError(f"{cursor.rowcount} of {events.height} rows were read")


def count_by_minute(connection: psycopg.Connection, new: pl.DataFrame) -> None:
    """Add new events to the counts by minute, type and source, inside the caller's transaction."""
    counts = _many_by_minute(new) if new.height >= _MANY else _few_by_minute(new)
    connection.execute(
        """
        insert into eventpulse.event_rollups as r (minute, event_type, source, count)
        select * from unnest(%s::timestamptz[], %s::text[], %s::text[], %s::bigint[])
        on conflict (minute, event_type, source) do update set count = r.count + excluded.count
        """,
        counts,
    )


def _many_by_minute(new: pl.DataFrame) -> list[list[Any]]:
    counts = (
        new.group_by(minute=pl.col("timestamp").dt.truncate("1m"), event_type="event_type", source="source")
        .agg(pl.len())
        .sort("minute", "event_type", "source")
    )
    return [counts[column].to_list() for column in counts.columns]


def _few_by_minute(new: pl.DataFrame) -> list[list[Any]]:
    """The same for a few events, for which a query would cost more than its work."""
    events = zip(new["timestamp"].to_list(), new["event_type"], new["source"], strict=True)
    counts = Counter((at.replace(second=0, microsecond=0), kind, source) for at, kind, source in events)
    rows = [(*key, count) for key, count in sorted(counts.items())]
    return [list(column) for column in zip(*rows, strict=True)]
