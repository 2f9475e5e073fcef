"""Read what became of messages, for people."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Connection, Row, Select, Uuid, and_, case, cast, func, insert, select

from eventpulse.database.tables import channels, deliveries

#: A list shows so many alerts of a delivery and says how many there are.
MOST_ALERTS = 100


def newest_deliveries(
    connection: Connection,
    *,
    limit: int,
    offset: int,
    before: int | None,
    channel_id: UUID | None,
    alert_id: UUID | None,
    state: str | None,
) -> Sequence[Row]:
    """Deliveries, the newest first."""
    query = _query()
    if before is not None:
        query = query.where(deliveries.c.number < before)
    if channel_id is not None:
        query = query.where(deliveries.c.channel_id == channel_id)
    if alert_id is not None:
        query = query.where(deliveries.c.alert_ids.op("@>")(cast([alert_id], ARRAY(Uuid))))
    if state is not None:
        query = query.where(deliveries.c.state == state)
    return connection.execute(query.order_by(deliveries.c.number.desc()).limit(limit).offset(offset)).all()


def delivery_by_id(connection: Connection, delivery_id: UUID) -> Row | None:
    """One delivery, with its message where there is one."""
    query = _query().add_columns(deliveries.c.message).where(deliveries.c.delivery_id == delivery_id)
    return connection.execute(query).first()


def note_test(
    connection: Connection, delivery_id: UUID, channel: Row, *, subject: str, message: object, error: str | None
) -> None:
    """Keep what became of a test of a channel."""
    sent = error is None
    connection.execute(
        insert(deliveries).values(
            delivery_id=delivery_id,
            channel_id=channel.channel_id,
            channel_name=channel.name,
            kind="test",
            state="sent" if sent else "failed",
            reason="asked for by a person",
            attempts=1,
            last_error=error,
            subject=subject,
            message=message,
            attempted_at=func.clock_timestamp(),
            sent_at=func.clock_timestamp() if sent else None,
        )
    )


def _query() -> Select:
    """Where a whole channel waits, what is due there says why."""
    held_up = and_(
        deliveries.c.state == "waiting",
        channels.c.waits_until > func.now(),
        deliveries.c.due_at < channels.c.waits_until,
    )
    columns = [
        deliveries.c[name]
        for name in (
            *("delivery_id", "number", "channel_id", "channel_name", "kind", "state", "reminder", "attempts"),
            *("last_error", "created_at", "attempted_at", "sent_at", "subject"),
        )
    ]
    return select(
        *columns,
        deliveries.c.alert_ids[1:MOST_ALERTS].label("alert_ids"),
        func.cardinality(deliveries.c.alert_ids).label("alerts"),
        case((held_up, channels.c.waits_why), else_=deliveries.c.reason).label("reason"),
        case((held_up, channels.c.waits_until), else_=deliveries.c.due_at).label("due_at"),
    ).select_from(deliveries.outerjoin(channels, channels.c.channel_id == deliveries.c.channel_id))
