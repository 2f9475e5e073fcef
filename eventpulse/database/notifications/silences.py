"""Keep silences and inhibitions: what mutes alerts, and for how long."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Connection, Row, Uuid, cast, delete, func, insert, literal, select, text, update

from eventpulse.database.notifications.channels import tell_sender
from eventpulse.database.tables import alerts, deliveries, inhibitions, outbox, silences

#: What a list shows at most; who has more has forgotten some.
MOST_SHOWN = 500


def newest_silences(connection: Connection, state: str | None) -> Sequence[Row]:
    """Silences, the one that ends last first; `state` pending, active or expired narrows them down."""
    now = func.now()
    conditions = {
        "pending": silences.c.starts_at > now,
        "active": (silences.c.starts_at <= now) & (silences.c.ends_at > now),
        "expired": silences.c.ends_at <= now,
    }
    query = select(silences).order_by(silences.c.ends_at.desc(), silences.c.silence_id).limit(MOST_SHOWN)
    return connection.execute(query.where(conditions[state]) if state else query).all()


def silence_by_id(connection: Connection, silence_id: UUID) -> Row | None:
    """One silence."""
    return connection.execute(select(silences).where(silences.c.silence_id == silence_id)).first()


def add_silence(
    connection: Connection,
    silence_id: UUID,
    *,
    matcher: Mapping[str, Any],
    owner: str,
    reason: str,
    starts_at: datetime | None,
    ends_at: datetime,
) -> Row:
    """Store a silence; it begins now, unless a beginning is given."""
    values = {"silence_id": silence_id, "matcher": dict(matcher), "owner": owner, "reason": reason, "ends_at": ends_at}
    begin = func.now() if starts_at is None else literal(starts_at)
    row = connection.execute(insert(silences).values(**values, starts_at=begin).returning(silences)).one()
    tell_sender(connection)
    return row


def end_silence(connection: Connection, silence_id: UUID) -> Row | None:
    """End a silence now; what it held is looked at again. One that is over stays as it is."""
    now = func.now()
    change = (
        update(silences)
        .where(silences.c.silence_id == silence_id, silences.c.ends_at > now)
        .values(ends_at=now, starts_at=func.least(silences.c.starts_at, now))
    )
    if connection.execute(change).rowcount:
        _look_again(connection)
    return silence_by_id(connection, silence_id)


def all_inhibitions(connection: Connection) -> Sequence[Row]:
    """Every inhibition, the oldest first."""
    return connection.execute(select(inhibitions).order_by(inhibitions.c.created_at, inhibitions.c.inhibition_id)).all()


def add_inhibition(
    connection: Connection,
    inhibition_id: UUID,
    *,
    source: Mapping[str, Any],
    target: Mapping[str, Any],
    equal: Sequence[str],
) -> Row:
    """Store an inhibition."""
    values = {"inhibition_id": inhibition_id, "source": dict(source), "target": dict(target), "equal": list(equal)}
    row = connection.execute(insert(inhibitions).values(**values).returning(inhibitions)).one()
    tell_sender(connection)
    return row


def remove_inhibition(connection: Connection, inhibition_id: UUID) -> bool:
    """Remove an inhibition; what it held is looked at again. False where there is none."""
    gone = connection.execute(delete(inhibitions).where(inhibitions.c.inhibition_id == inhibition_id)).rowcount > 0
    if gone:
        _look_again(connection)
    return gone


def alerts_since(connection: Connection, since: datetime, most: int) -> Sequence[Row]:
    """Alerts made since an instant that may have been told of, the newest first, as routing reads them."""
    columns = [alerts.c[name] for name in ROUTED]
    query = select(*columns, alerts.c.opened_at, alerts.c.created_at).where(
        alerts.c.created_at >= since, alerts.c.mode == "live", alerts.c.alert_id.in_(select(outbox.c.alert_id))
    )
    return connection.execute(query.order_by(alerts.c.created_at.desc()).limit(most)).all()


def messages_about(connection: Connection, alert_ids: Sequence[UUID], since: datetime) -> int:
    """How many messages were sent since an instant about these alerts and no others."""
    query = select(func.count()).where(
        deliveries.c.sent_at >= since,
        func.cardinality(deliveries.c.alert_ids) > 0,
        deliveries.c.alert_ids.op("<@")(cast(list(alert_ids), ARRAY(Uuid))),
    )
    return int(connection.execute(query).scalar_one())


#: The columns of an alert that decide where it goes.
ROUTED = ("alert_id", "rule_id", "rule_name", "severity", "origin", "state", "mode", "labels", "group")


def _look_again(connection: Connection) -> None:
    connection.execute(text("update eventpulse.deliveries set due_at = now() where state = 'held' and due_at > now()"))
    tell_sender(connection)
