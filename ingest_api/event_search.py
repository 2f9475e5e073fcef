"""Find events by an SQL condition: read backwards from the newest, page by page, judged as a rule's filter judges them.

A condition can ask anything of a payload, so no index answers it. A search is therefore bounded: it ends at the rows it
has looked at or at the time it took, and says where it got to, so that the next one goes on from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import polars as pl
from sqlalchemy import Engine, Row

from eventpulse.database.events.event_queries import EventFilter, EventPlace, newest_events
from eventpulse.database.transactions import reading
from eventpulse.event import EVENT_SCHEMA
from rules.fields import with_fields
from rules.where.predicate import Predicate

#: A search looks at no more rows than this, and begins no further page after so many seconds.
MOST_ROWS = 50_000
MOST_SECONDS = 2.0
# Small at first, since most searches end soon; never large, since the process also takes events, which wait meanwhile.
_FIRST_PAGE = 500
_LARGEST_PAGE = 4_000


@dataclass(frozen=True)
class Found:
    """What a search found. `behind` is where the next one begins: None where everything has been looked at."""

    rows: Sequence[Row]
    behind: EventPlace | None
    scanned: int


def search_events(
    database: Engine,
    wanted: EventFilter,
    predicate: Predicate,
    *,
    limit: int,
    offset: int = 0,
    after: EventPlace | None = None,
) -> Found:
    """The newest stored events for which the predicate is true, from behind `after`; `offset` of them are left out.

    It may end with fewer than `limit` rows, or none, and yet have a `behind`: nothing between was skipped.
    """
    found: list[Row] = []
    scanned, size, until = 0, _FIRST_PAGE, monotonic() + MOST_SECONDS
    while True:
        size = min(size, MOST_ROWS - scanned)
        with reading(database) as connection:  # for each page anew, so that a long search keeps no connection
            page = newest_events(connection, wanted, limit=size, after=after)
        found += those_that_pass(page, predicate)
        scanned += len(page)
        if len(found) > offset + limit:
            rows = found[offset : offset + limit]
            return Found(rows, place_of(rows[-1]), scanned)
        if len(page) < size:
            return Found(found[offset:], None, scanned)
        after = place_of(page[-1])
        if scanned >= MOST_ROWS or monotonic() >= until:
            return Found(found[offset:], after, scanned)
        size = min(2 * size, _LARGEST_PAGE)


def place_of(row: Row) -> EventPlace:
    """Where an event stands in the order of storing."""
    return EventPlace(row.batch_id, row.position, row.event_id)


def those_that_pass(rows: Sequence[Row], predicate: Predicate) -> list[Row]:
    """The events for which the predicate is true, in their order."""
    if not rows:
        return []
    events = pl.DataFrame(
        [
            (
                str(row.event_id),
                row.event_type,
                row.source,
                row.timestamp,
                row.received_at,
                row.position,
                row.payload,
                row.metadata,
            )
            for row in rows
        ],
        schema=EVENT_SCHEMA,
        orient="row",
    )
    answers = with_fields(events, predicate.paths).select(passes=predicate.expression)["passes"]
    return [row for row, passes in zip(rows, answers, strict=True) if passes]
