"""Read stored events and anomalies back, as the frames that rules judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from io import BytesIO
from uuid import UUID

import polars as pl
import psycopg
from psycopg import sql

from eventpulse.anomaly import ANOMALY_SCHEMA
from eventpulse.database.anomalies.coverage import MEANT_BY
from eventpulse.database.events.partitions import existing_days
from eventpulse.errors import EventPulseError
from eventpulse.event import EVENT_SCHEMA, UTC_MICROSECONDS

_CSV_SCHEMA = pl.Schema({name: pl.Int64() if kind == UTC_MICROSECONDS else kind for name, kind in EVENT_SCHEMA.items()})

_STANDING = (
    *("anomaly_id", "group", "occurred_at", "message", "value", "threshold", "expected"),
    *("window_start", "window_end", "contributing", "contributing_count"),
)


@dataclass(frozen=True)
class Slice:
    """Which stored events: those of the given types and sources (None = all) with after < timestamp <= through, and
    for each path -> texts pair only those whose value at that path, as text, is among the texts (None = missing)."""

    after: datetime
    through: datetime | None = None
    event_types: Sequence[str] | None = None
    sources: Sequence[str] | None = None
    values: Sequence[tuple[tuple[str, ...], Sequence[str | None]]] = ()
    #: Whether the bodies are wanted; where not, they come as `{}`.
    payload: bool = True
    metadata: bool = True
    #: The events of this micro-batch are left out.
    besides: int | None = None
    #: Only these events.
    event_ids: Sequence[str] | None = None
    #: Only what this micro-batch and later ones have brought.
    from_batch: int | None = None


class TooManyEvents(EventPulseError):
    """More events than the caller can use, or more than can be looked through in time."""


def stored_events(connection: psycopg.Connection, wanted: Slice) -> pl.DataFrame:
    """The events of a slice (EVENT_SCHEMA), ordered by (timestamp, position, event_id)."""
    return _read(connection, _condition(wanted), payload=wanted.payload, metadata=wanted.metadata)


def few_events(connection: psycopg.Connection, wanted: Slice, *, most: int) -> pl.DataFrame:
    """The events of a slice, as `stored_events` gives them, where there are `most` at most. Raises TooManyEvents."""
    condition = sql.SQL("{} limit {}").format(_condition(wanted), sql.Literal(most + 1))
    found = _read(connection, condition, payload=wanted.payload, metadata=wanted.metadata)
    if found.height > most:
        raise TooManyEvents(f"more than {most} events lie there")
    return found


def newest_event_of(connection: psycopg.Connection, wanted: Slice) -> pl.DataFrame:
    """The newest event of a slice (EVENT_SCHEMA); no row where it has none."""
    order = sql.SQL('{} order by "timestamp" desc, position desc, event_id desc limit 1').format(_condition(wanted))
    return _read(connection, order, payload=wanted.payload, metadata=wanted.metadata)


def events_of_batches(
    connection: psycopg.Connection,
    batch_ids: Sequence[int],
    event_types: Sequence[str] | None = None,
    sources: Sequence[str] | None = None,
    *,
    payload: bool = True,
    metadata: bool = True,
) -> pl.DataFrame:
    """The events of some micro-batches (EVENT_SCHEMA), ordered by (timestamp, position, event_id)."""
    batches = sql.SQL("batch_id = any({})").format(sql.Literal(list(batch_ids)))
    condition = sql.SQL(" and ").join([batches, _kinds(event_types, sources)])
    return _read(connection, condition, payload=payload, metadata=metadata)


def _read(
    connection: psycopg.Connection, condition: sql.Composable, *, payload: bool = True, metadata: bool = True
) -> pl.DataFrame:
    query = sql.SQL(
        "copy (select event_id, event_type, source, {time}, {received}, position, {payload}, {metadata}"
        " from eventpulse.events where {condition}) to stdout with (format csv)"
    ).format(
        time=_microseconds("timestamp"),
        received=_microseconds("received_at"),
        payload=sql.SQL("payload" if payload else "'{}'"),
        metadata=sql.SQL("metadata" if metadata else "'{}'"),
        condition=condition,
    )
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        lines = b"".join(copy)
    if not lines:
        return EVENT_SCHEMA.to_frame()
    frame = pl.read_csv(BytesIO(lines), has_header=False, schema=_CSV_SCHEMA, empty_string_is_null=False)
    return frame.cast(EVENT_SCHEMA).sort("timestamp", "position", "event_id")


def newest_stored(
    connection: psycopg.Connection,
    event_types: Sequence[str] | None,
    sources: Sequence[str] | None,
    besides: int | None = None,
) -> datetime | None:
    """The newest event time among the stored events of some types and sources, those of a micro-batch left out."""
    condition = sql.SQL(" and ").join([_kinds(event_types, sources), _besides(besides)])
    return max(_utmost(connection, "max", condition), default=None)


def oldest_stored(
    connection: psycopg.Connection, event_types: Sequence[str] | None, sources: Sequence[str] | None
) -> datetime | None:
    """The oldest event time among the stored events of some types and sources."""
    return min(_utmost(connection, "min", _kinds(event_types, sources)), default=None)


def _utmost(connection: psycopg.Connection, which: str, condition: sql.Composable) -> list[datetime]:
    """The least or greatest event time of the first day from that end that has any, so that no other day need be read;
    and that of the events whose days share a partition."""
    query = sql.SQL('select {which}("timestamp") from {table} where {condition}')
    shared = query.format(
        which=sql.SQL(which), table=sql.Identifier("eventpulse", "events_other_days"), condition=condition
    )
    found = [at for (at,) in connection.execute(shared) if at is not None]
    for day in sorted(existing_days(connection), reverse=which == "max"):
        start = datetime.combine(day, time(), UTC)
        within = sql.SQL('"timestamp" >= {} and "timestamp" < {} and {}').format(
            sql.Literal(start), sql.Literal(start + timedelta(days=1)), condition
        )
        of_day = query.format(which=sql.SQL(which), table=sql.Identifier("eventpulse", "events"), condition=within)
        row = connection.execute(of_day).fetchone()
        if row is not None and row[0] is not None:
            return [*found, row[0]]
    return found


def current_anomalies(
    connection: psycopg.Connection,
    rule_id: UUID,
    semantic_hash: str,
    since: datetime,
    group_keys: Sequence[int] | None = None,
    *,
    before: datetime | None = None,
) -> pl.DataFrame:
    """The anomalies of a rule that stand, with since <= occurred_at < before: `_STANDING`, part of ANOMALY_SCHEMA.

    Only those found by versions of the rule that mean the same: what an earlier meaning found neither holds a cooldown
    up nor is retracted by the present one.
    """
    groups = "" if group_keys is None else "and group_key = any(%(groups)s)"
    groups += "" if before is None else " and occurred_at < %(before)s"
    rows = connection.execute(
        f"""
        select anomaly_id::text, "group"::text, occurred_at, message, value, threshold, expected, window_start,
               window_end, contributing::text[], contributing_count
        from eventpulse.anomalies
        where rule_id = %(rule)s and state = 'current' and occurred_at >= %(since)s {groups}
          and rule_version in
            (select version from eventpulse.rule_versions v where rule_id = %(rule)s
             and {MEANT_BY.format(meaning="%(meaning)s")})
        """,
        {
            "rule": rule_id,
            "meaning": semantic_hash,
            "since": since,
            "before": before,
            "groups": None if group_keys is None else list(group_keys),
        },
    ).fetchall()
    return pl.DataFrame(rows, schema={name: ANOMALY_SCHEMA[name] for name in _STANDING}, orient="row")


def standing_keys(connection: psycopg.Connection, rule_id: UUID, start: datetime, end: datetime) -> pl.DataFrame:
    """The anomalies that stand for a rule from an instant to before another, whatever its versions meant: group,
    occurred_at and event_id."""
    rows = connection.execute(
        'select "group"::text, occurred_at, event_id::text from eventpulse.anomalies'
        " where rule_id = %s and state = 'current' and occurred_at >= %s and occurred_at < %s",
        (rule_id, start, end),
    ).fetchall()
    schema = {name: ANOMALY_SCHEMA[name] for name in ("group", "occurred_at", "event_id")}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _microseconds(column: str) -> sql.Composable:
    return sql.SQL("(extract(epoch from {}) * 1000000)::bigint").format(sql.Identifier(column))


def _condition(wanted: Slice) -> sql.Composable:
    parts = [sql.SQL('"timestamp" > {}').format(sql.Literal(wanted.after)), _kinds(wanted.event_types, wanted.sources)]
    parts.append(_besides(wanted.besides))
    if wanted.through is not None:
        parts.append(sql.SQL('"timestamp" <= {}').format(sql.Literal(wanted.through)))
    if wanted.event_ids is not None:
        parts.append(sql.SQL("event_id = any({}::uuid[])").format(sql.Literal(list(wanted.event_ids))))
    if wanted.from_batch is not None:
        parts.append(sql.SQL("batch_id >= {}").format(sql.Literal(wanted.from_batch)))
    for path, texts in wanted.values:
        column, *keys = path
        found: sql.Composable = sql.Identifier(column)
        if keys:
            found = sql.SQL("({} #>> {})").format(found, sql.Literal(list(keys)))
        present = [text for text in texts if text is not None]
        either = sql.SQL("{} = any({})").format(found, sql.Literal(present))
        if len(present) < len(texts):
            either = sql.SQL("({} or {} is null)").format(either, found)
        parts.append(either)
    return sql.SQL(" and ").join(parts)


def _besides(batch_id: int | None) -> sql.Composable:
    return sql.SQL("true") if batch_id is None else sql.SQL("batch_id <> {}").format(sql.Literal(batch_id))


def _kinds(event_types: Sequence[str] | None, sources: Sequence[str] | None) -> sql.Composable:
    parts: list[sql.Composable] = [sql.SQL("true")]
    if event_types is not None:
        parts.append(sql.SQL("event_type = any({})").format(sql.Literal(list(event_types))))
    if sources is not None:
        parts.append(sql.SQL("source = any({})").format(sql.Literal(list(sources))))
    return sql.SQL(" and ").join(parts)
