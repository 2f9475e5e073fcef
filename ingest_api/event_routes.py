"""Show stored events, and find those that an SQL condition is true for."""

from typing import Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, HTTPException
from sqlalchemy import Row
from starlette.responses import Response

from eventpulse.clock import iso_utc
from eventpulse.database.events.event_queries import EventFilter, event_by_id, newest_events
from eventpulse.database.transactions import reading
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import Database
from ingest_api.event_search import place_of, search_events
from ingest_api.paging import event_cursor, event_place, page
from ingest_api.parameters import EventCursor, EventType, From, Limit, Offset, Source, To, Where, in_order
from ingest_api.payloads import EventPage, StoredEvent
from rules.where.predicate import read_predicate

router = APIRouter(prefix="/events", tags=["events"])


@router.get("", response_model=EventPage, responses=documented(400, 500, 503))
def list_events(
    database: Database,
    limit: Limit = 50,
    offset: Offset = 0,
    cursor: EventCursor = None,
    event_type: EventType = None,
    source: Source = None,
    since: From = None,
    until: To = None,
    where: Where = None,
) -> Response:
    """Events, the newest stored first. With `cursor`, nothing is skipped or repeated while events arrive.

    A search with `where` looks at a bounded number of rows: a page of it may be short, or empty, and yet have a `next`,
    which goes on where it ended. `pagination.scanned` says how many rows were looked at; `offset` counts within a page.
    """
    in_order(since, until)
    after = event_place(cursor) if cursor else None
    wanted = EventFilter(event_type, source, since, until)
    if where is not None:
        found = search_events(database, wanted, read_predicate(where), limit=limit, offset=offset, after=after)
        pagination = {
            "limit": limit,
            "offset": offset,
            "count": len(found.rows),
            "next": event_cursor(found.behind) if found.behind else None,
            "scanned": found.scanned,
        }
        return json_answer({"data": [event_as_json(row) for row in found.rows], "pagination": pagination})
    with reading(database) as connection:
        rows = newest_events(connection, wanted, limit=limit + 1, offset=offset, after=after)
    return json_answer(page(rows, limit=limit, offset=offset, as_json=event_as_json, cursor_behind=_cursor_behind))


@router.get("/{event_id}", response_model=StoredEvent, responses=documented(404, 500, 503))
def show_event(database: Database, event_id: str) -> Response:
    """One event."""
    try:
        wanted = UUID(event_id)
    except ValueError:
        raise HTTPException(404, "Event not found") from None
    with reading(database) as connection:
        row = event_by_id(connection, wanted)
    if row is None:
        raise HTTPException(404, "Event not found")
    return json_answer(event_as_json(row))


def _cursor_behind(row: Row) -> str:
    return event_cursor(place_of(row))


def event_as_json(row: Row) -> dict[str, Any]:
    """A stored event as the API shows it, its payload and metadata to the letter as they were sent."""
    return {
        "event_id": row.event_id,
        "event_type": row.event_type,
        "source": row.source,
        "timestamp": iso_utc(row.timestamp),
        "payload": msgspec.Raw(row.payload.encode()),
        "metadata": msgspec.Raw(row.metadata.encode()),
        "created_at": iso_utc(row.created_at),
        "received_at": iso_utc(row.received_at),
        "origin": row.origin,
        "batch_id": row.batch_id,
    }
