"""Read a long stretch of stored events in slices of bounded size, cut between timestamps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl
import psycopg
from psycopg import sql

from eventpulse.database.events.history import Slice, stored_events
from eventpulse.event import EVENT_SCHEMA

#: So many events make a slice, as long as not more of them bear the same timestamp.
SLICE_EVENTS = 100_000
_ONE_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Stretch:
    """Event time from `start` to before `end`, with about how many events in it."""

    start: datetime
    end: datetime
    events: int


@dataclass(frozen=True)
class Of:
    """Which events of a stretch: their types and sources (None stands for all), and which of their bodies are read;
    a body that is not comes as `{}`."""

    event_types: Sequence[str] | None = None
    sources: Sequence[str] | None = None
    payload: bool = True
    metadata: bool = True


def slices(
    connection: psycopg.Connection, start: datetime, end: datetime, of: Of, *, most: int = SLICE_EVENTS
) -> list[Stretch]:
    """The stretch from `start` to before `end`, in slices of about `most` events each that follow on each other.

    Where to cut is taken from the counts by minute; a minute that is too much is cut by its timestamps themselves.
    """
    cuts = []
    for first_minute, after_last_minute, events in _by_minutes(connection, start, end, of, most):
        if events < 2 * most:
            cuts.append((first_minute, events))
        else:
            cuts += _by_timestamps(connection, max(first_minute, start), min(after_last_minute, end), of, most)
    if not cuts:
        return [Stretch(start, end, 0)]
    starts = [start, *(at for at, _ in cuts[1:])]
    ends = [*starts[1:], end]
    return [
        Stretch(first, last, events)
        for first, last, (_, events) in zip(starts, ends, cuts, strict=True)
        if first < last
    ]


def events_in(connection: psycopg.Connection, start: datetime, end: datetime, of: Of) -> pl.DataFrame:
    """The events (EVENT_SCHEMA) from `start` to before `end`, ordered by (timestamp, position, event_id)."""
    wanted = Slice(
        start - _ONE_MICROSECOND,
        end - _ONE_MICROSECOND,
        of.event_types,
        of.sources,
        payload=of.payload,
        metadata=of.metadata,
    )
    return stored_events(connection, wanted)


def read_slices(
    connection: psycopg.Connection, start: datetime, end: datetime, of: Of, *, most: int = SLICE_EVENTS
) -> Iterator[tuple[pl.DataFrame, datetime]]:
    """The events from `start` to before `end`, slice by slice, each with the instant before which all of it lies."""
    stored = stored_between(connection)
    if stored is None or max(start, stored[0]) >= end:
        yield EVENT_SCHEMA.to_frame(), end
        return
    for stretch in slices(connection, max(start, stored[0]), end, of, most=most):
        yield events_in(connection, stretch.start, stretch.end, of), stretch.end


def arrived_since(connection: psycopg.Connection, batch_id: int, start: datetime, end: datetime) -> bool:
    """Whether events from `start` to before `end` were stored by later micro-batches."""
    query = sql.SQL(
        """
        select exists (select from eventpulse.batches where batch_id > {batch} and stored > 0) and exists (
            select from eventpulse.events where batch_id > {batch} and "timestamp" >= {start} and "timestamp" < {end}
        )
        """
    ).format(batch=sql.Literal(batch_id), start=sql.Literal(start), end=sql.Literal(end))
    row = connection.execute(query).fetchone()
    return bool(row and row[0])


def newest_event(connection: psycopg.Connection) -> datetime | None:
    """The newest event time of all that is stored."""
    row = connection.execute(
        'select max("timestamp") from eventpulse.events'
        ' where "timestamp" >= (select max(minute) from eventpulse.event_rollups)'
    ).fetchone()
    return row[0] if row else None


def stored_between(connection: psycopg.Connection) -> tuple[datetime, datetime] | None:
    """The oldest and the newest minute with stored events, the latter with its end; None where none are stored."""
    row = connection.execute(
        "select min(minute), max(minute) + interval '1 minute' from eventpulse.event_rollups"
    ).fetchone()
    return None if row is None or row[0] is None else (row[0], row[1])


def count_events(connection: psycopg.Connection, start: datetime, end: datetime, of: Of) -> int:
    """How many events are stored between two instants, to the minute."""
    query = sql.SQL(
        "select coalesce(sum(count), 0)::bigint from eventpulse.event_rollups"
        " where minute >= date_trunc('minute', {start}::timestamptz) and minute < {end} and {kinds}"
    ).format(start=sql.Literal(start), end=sql.Literal(end), kinds=_kinds(of))
    row = connection.execute(query).fetchone()
    return row[0] if row else 0


def _by_minutes(
    connection: psycopg.Connection, start: datetime, end: datetime, of: Of, most: int
) -> Iterator[tuple[datetime, datetime, int]]:
    """Whole minutes, as many in a row as make `most` events: the first one, the end of the last one, the events."""
    query = sql.SQL(
        """
        with by_minute as (
            select minute, sum(count)::bigint as events from eventpulse.event_rollups
            where minute >= date_trunc('minute', {start}::timestamptz) and minute < {end} and {kinds}
            group by minute
        ), counted as (
            select minute, events, sum(events) over (order by minute) - events as before from by_minute
        )
        select min(minute), max(minute) + interval '1 minute', sum(events)::bigint from counted
        group by floor(before / {most}) order by 1
        """
    ).format(start=sql.Literal(start), end=sql.Literal(end), most=sql.Literal(most), kinds=_kinds(of))
    yield from connection.execute(query).fetchall()


def _by_timestamps(
    connection: psycopg.Connection, start: datetime, end: datetime, of: Of, most: int
) -> list[tuple[datetime, int]]:
    query = sql.SQL(
        """
        select "timestamp" from (
            select "timestamp", row_number() over (order by "timestamp") as number from eventpulse.events
            where "timestamp" >= {start} and "timestamp" < {end} and {kinds}
        ) as numbered where number %% {most} = 0 order by 1
        """
    ).format(start=sql.Literal(start), end=sql.Literal(end), most=sql.Literal(most), kinds=_kinds(of))
    found = sorted({start, *(row[0] for row in connection.execute(query, ()))})
    return [(at, most) for at in found]


def _kinds(of: Of) -> sql.Composable:
    parts: list[sql.Composable] = [sql.SQL("true")]
    if of.event_types is not None:
        parts.append(sql.SQL("event_type = any({})").format(sql.Literal(list(of.event_types))))
    if of.sources is not None:
        parts.append(sql.SQL("source = any({})").format(sql.Literal(list(of.sources))))
    return sql.SQL(" and ").join(parts)
