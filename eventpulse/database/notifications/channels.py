"""Keep channels: their plans as sent, their addresses locked, and how they have been doing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from eventpulse.database.tables import channels
from eventpulse.errors import EventPulseError

OUTBOX = "eventpulse_outbox"


class ChannelTaken(EventPulseError):
    """There is a channel of this name already."""


@dataclass(frozen=True)
class StoredChannel:
    """A channel as it is to be stored. `url` and `secret` are locked; None leaves what stands."""

    name: str
    enabled: bool
    kind: str
    shown_url: str
    plan: Mapping[str, Any]
    url: bytes | None = field(default=None, repr=False)
    secret: bytes | None = field(default=None, repr=False)


def tell_sender(connection: Connection) -> None:
    """Have the sender look around once this transaction is committed."""
    connection.execute(text("select pg_notify(:channel, '')"), {"channel": OUTBOX})


def all_channels(connection: Connection) -> Sequence[Row]:
    """Every channel, by name."""
    return connection.execute(select(channels).order_by(channels.c.name, channels.c.channel_id)).all()


def channel_by_id(connection: Connection, channel_id: UUID, *, to_change: bool = False) -> Row | None:
    """One channel; `to_change` lets nobody else change it until the transaction ends."""
    query = select(channels).where(channels.c.channel_id == channel_id)
    return connection.execute(query.with_for_update() if to_change else query).first()


def add_channel(connection: Connection, channel_id: UUID, channel: StoredChannel) -> Row:
    """Store a new channel. Raises ChannelTaken."""
    return _write(connection, insert(channels).values(channel_id=channel_id, **_columns(channel)), channel.name)


def change_channel(connection: Connection, channel_id: UUID, channel: StoredChannel) -> Row:
    """Put another plan in the place of the one that stands. Another address is tried afresh. Raises ChannelTaken."""
    values = _columns(channel)
    if channel.url is not None or channel.secret is not None:
        values |= {"failures": 0, "last_error": None}
    values |= {"waits_until": None, "waits_why": None, "updated_at": func.now()}
    return _write(
        connection, update(channels).where(channels.c.channel_id == channel_id).values(**values), channel.name
    )


def remove_channel(connection: Connection, channel_id: UUID) -> bool:
    """Remove a channel; false where there is none. What it still had to send is held, and says why."""
    gone = connection.execute(delete(channels).where(channels.c.channel_id == channel_id)).rowcount > 0
    if gone:
        connection.execute(
            text(
                "update eventpulse.deliveries set state = 'held', reason = 'its channel was removed', due_at = null"
                " where channel_id = :channel and (state = 'waiting' or (state = 'held' and due_at is not null))"
            ),
            {"channel": channel_id},
        )
        tell_sender(connection)
    return gone


def _columns(channel: StoredChannel) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": channel.name,
        "enabled": channel.enabled,
        "kind": channel.kind,
        "shown_url": channel.shown_url,
        "plan": dict(channel.plan),
    }
    if channel.url is not None:
        values["url"] = channel.url
    if channel.secret is not None:
        values["secret"] = channel.secret
    return values


def _write(connection: Connection, statement: Any, name: str) -> Row:
    try:
        with connection.begin_nested():
            row = connection.execute(statement.returning(channels)).one()
    except IntegrityError as fault:
        raise ChannelTaken(f'There is a channel named "{name}" already') from fault
    tell_sender(connection)
    return row
