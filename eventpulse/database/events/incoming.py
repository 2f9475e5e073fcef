"""Store a batch of events, each once: COPY into a temporary table, then insert what is new."""

from collections import Counter
from typing import Any

import polars as pl
import psycopg

from eventpulse.event import EVENT_SCHEMA

_STAGING = """
create temporary table if not exists incoming (
    event_id uuid not null, event_type text not null, source text not null, "timestamp" timestamptz not null,
    received_at timestamptz not null, position bigint not null, payload json not null, metadata json not null
) on commit delete rows
"""

# In one order everywhere, so that two who bring the same events do not wait for each other.
_TAKE_IDS = """
insert into eventpulse.event_ids (event_id, batch_id)
select event_id, %(batch_id)s from incoming order by event_id
on conflict do nothing
"""
_FORGET_KNOWN = """
delete from incoming i
where not exists (select from eventpulse.event_ids e where e.event_id = i.event_id and e.batch_id = %(batch_id)s)
returning event_id::text
"""
_INSERT = """
insert into eventpulse.events
    (event_id, event_type, source, "timestamp", received_at, position, batch_id, origin, payload, metadata)
select event_id, event_type, source, "timestamp", received_at, position, %(batch_id)s, %(origin)s, payload, metadata
from incoming
"""

# Below this, events are counted one by one.
_MANY = 128
#: What PostgreSQL raises when it will never take a value: not as its type, or not of its size or depth.
REFUSALS = (psycopg.DataError, psycopg.errors.ProgramLimitExceeded, psycopg.errors.StatementTooComplex)


def prepare_staging(connection: psycopg.Connection) -> None:
    """Make the temporary table of this connection; once is enough."""
    connection.execute(_STAGING)


def store_events(connection: psycopg.Connection, events: pl.DataFrame, *, batch_id: int, origin: str) -> pl.DataFrame:
    """Insert the events that are new, inside the caller's transaction, and say which ones those are; the others are
    duplicates.

    `events` has the columns of EVENT_SCHEMA; within it each id stands once. An id that another transaction is just
    bringing is waited for. Raises one of REFUSALS where PostgreSQL refuses a value; nothing is stored then.

    1. copy the events to the side, 2. take their ids; who has one already is known, 3. insert the others
    """
    _copy(connection, events)
    values = {"batch_id": batch_id, "origin": origin}
    new = events
    if connection.execute(_TAKE_IDS, values).rowcount < events.height:
        known = [event_id for (event_id,) in connection.execute(_FORGET_KNOWN, values)]
        new = events.filter(~pl.col("event_id").is_in(known))
    connection.execute(_INSERT, values)
    return new


def refused_events(connection: psycopg.Connection, events: pl.DataFrame) -> list[tuple[int, str]]:
    """Which rows PostgreSQL refuses, and why, found by halving: the row numbers and the server's words.

    To be asked inside a transaction that will be thrown away.
    """
    try:
        with connection.transaction(force_rollback=True):
            store_events(connection, events, batch_id=0, origin="live")
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
    lines = events.select(EVENT_SCHEMA.names()).write_csv(
        include_header=False, datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ"
    )
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
