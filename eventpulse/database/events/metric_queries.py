"""Count events over a span of event time, exactly: whole minutes from the rollups, the ragged edges from the events."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, and_, func, literal, or_, select, union_all

from eventpulse.database.tables import event_rollups, events

_MINUTE = timedelta(minutes=1)


def count_events(
    connection: Connection,
    *,
    since: datetime,
    until: datetime,
    group_by: Literal["event_type", "source"],
    event_type: str | None = None,
    source: str | None = None,
) -> list[tuple[str, int]]:
    """How many events have a timestamp from `since` to `until`, both included, by type or source; the most first."""
    first_whole, behind_whole = _whole_minutes(since, until)
    time, minute = events.c.timestamp, event_rollups.c.minute
    if first_whole < behind_whole:
        edges = or_(and_(time >= since, time < first_whole), and_(time >= behind_whole, time <= until))
    else:
        edges = and_(time >= since, time <= until)
    from_events = select(events.c[group_by].label("key"), literal(1).label("count")).where(edges)
    from_rollups = select(event_rollups.c[group_by].label("key"), event_rollups.c.count).where(
        minute >= first_whole, minute < behind_whole
    )
    if event_type is not None:
        from_events = from_events.where(events.c.event_type == event_type)
        from_rollups = from_rollups.where(event_rollups.c.event_type == event_type)
    if source is not None:
        from_events = from_events.where(events.c.source == source)
        from_rollups = from_rollups.where(event_rollups.c.source == source)
    # One statement, so that both parts see the same moment.
    parts = union_all(from_rollups, from_events).subquery()
    total = func.sum(parts.c.count)
    query = select(parts.c.key, total).group_by(parts.c.key).order_by(total.desc(), parts.c.key)
    return [(key, int(count)) for key, count in connection.execute(query)]


def _whole_minutes(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """The first whole minute of a span, and the minute behind the last whole one."""
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    floor = since.replace(second=0, microsecond=0)
    return (floor if floor == since else floor + _MINUTE), until.replace(second=0, microsecond=0)
