"""Find stored events. Payload and metadata come out as the text that was sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Row, Select, Text, cast, or_, select, tuple_

from eventpulse.database.tables import events

_COLUMNS = (
    events.c.event_id,
    events.c.event_type,
    events.c.source,
    events.c.timestamp,
    cast(events.c.payload, Text).label("payload"),
    cast(events.c.metadata, Text).label("metadata"),
    events.c.created_at,
    events.c.received_at,
    events.c.origin,
    events.c.batch_id,
    events.c.position,
)


@dataclass(frozen=True)
class EventPlace:
    """Where an event stands in the order of storing."""

    batch_id: int
    position: int
    event_id: UUID


@dataclass(frozen=True)
class EventFilter:
    """Which events; None asks nothing. `since` and `until` are both included."""

    event_type: str | None = None
    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def newest_events(
    connection: Connection, wanted: EventFilter, *, limit: int, offset: int = 0, after: EventPlace | None = None
) -> Sequence[Row]:
    """Events, the newest stored first, from behind `after`, of which `offset` are left out."""
    query = select(*_COLUMNS).order_by(events.c.batch_id.desc(), events.c.position.desc(), events.c.event_id)
    query = _filtered(query, wanted)
    if after is not None:
        stored = tuple_(events.c.batch_id, events.c.position)
        place = tuple_(after.batch_id, after.position)
        # `<=` alone is what the index can begin at; the second condition leaves out what lies before inside the place.
        query = query.where(stored <= place, or_(stored < place, events.c.event_id > after.event_id))
    return connection.execute(query.limit(limit).offset(offset)).all()


def event_by_id(connection: Connection, event_id: UUID) -> Row | None:
    """The event with this id, if it is stored."""
    return connection.execute(select(*_COLUMNS).where(events.c.event_id == event_id).limit(1)).first()


def events_by_id(connection: Connection, event_ids: Sequence[UUID]) -> Sequence[Row]:
    """Those of the events that are stored, in the order in which rules see them."""
    query = select(*_COLUMNS).where(events.c.event_id.in_(event_ids))
    return connection.execute(query.order_by(events.c.timestamp, events.c.position, events.c.event_id)).all()


def _filtered(query: Select, wanted: EventFilter) -> Select:
    if wanted.event_type is not None:
        query = query.where(events.c.event_type == wanted.event_type)
    if wanted.source is not None:
        query = query.where(events.c.source == wanted.source)
    if wanted.since is not None:
        query = query.where(events.c.timestamp >= wanted.since)
    if wanted.until is not None:
        query = query.where(events.c.timestamp <= wanted.until)
    return query
