"""Write what becomes of messages. Only the sender does, over the connection that holds its lock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

Row = dict[str, Any]


@dataclass(frozen=True)
class Ids:
    """What a delivery is about: alerts, and the intents of the outbox that it answers for."""

    alerts: Sequence[UUID]
    intents: Sequence[int]


def hold(
    connection: psycopg.Connection, channel: Row | None, ids: Ids, reason: str, *, look_again_at: datetime | None
) -> None:
    """These intents are not sent on a channel, or on none at all; for good, or until they are looked at again."""
    connection.execute(
        "insert into eventpulse.deliveries"
        " (channel_id, channel_name, kind, state, reason, alert_ids, outbox_ids, due_at)"
        " values (%s, %s, 'firing', 'held', %s, %s, %s, %s)",
        (*_channel(channel), reason, _unique(ids.alerts), list(ids.intents), look_again_at),
    )


@dataclass(frozen=True)
class Gathered:
    """What is added to the message that gathers for a group of a channel, or begins it."""

    group_key: str
    ids: Ids
    due_at: datetime
    reason: str
    reminder: bool = False


def gather(connection: psycopg.Connection, channel: Row, gathered: Sequence[Gathered]) -> None:
    """Add to messages that gather, or begin them. One that gathers already keeps its time."""
    query = b"""
        insert into eventpulse.deliveries as d
            (channel_id, channel_name, kind, state, reason, group_key, reminder, alert_ids, outbox_ids, due_at)
        values (%s, %s, 'firing', 'waiting', %s, %s, %s, %s, %s, %s)
        on conflict (channel_id, group_key, reminder) where state = 'waiting' and message is null do update set
            alert_ids = d.alert_ids || array(select unnest(excluded.alert_ids) except select unnest(d.alert_ids)),
            outbox_ids = d.outbox_ids || excluded.outbox_ids
        """
    with connection.cursor() as cursor:
        cursor.executemany(
            query,
            [
                (
                    *(*_channel(channel), each.reason, each.group_key, each.reminder),
                    *(_unique(each.ids.alerts), list(each.ids.intents), each.due_at),
                )
                for each in gathered
            ],
        )


def last_sent(connection: psycopg.Connection, channel_id: UUID, groups: Sequence[str]) -> dict[str, datetime]:
    """When each of these groups of a channel was told of last."""
    rows = connection.execute(
        "select group_key, max(sent_at) from eventpulse.deliveries"
        " where channel_id = %s and group_key = any(%s) and sent_at is not null group by group_key",
        (channel_id, list(groups)),
    )
    return dict(rows.fetchall())


def held_to_look_at(connection: psycopg.Connection, now: datetime, most: int) -> list[Row]:
    """Held deliveries whose time to be looked at again has come."""
    return _rows(
        connection,
        "select * from eventpulse.deliveries where state = 'held' and due_at <= %s order by due_at limit %s for update",
        (now, most),
    )


def forget(connection: psycopg.Connection, delivery_ids: Sequence[UUID]) -> None:
    """Remove deliveries whose intents stand elsewhere now."""
    connection.execute("delete from eventpulse.deliveries where delivery_id = any(%s)", (list(delivery_ids),))


def how_many_due(connection: psycopg.Connection, channel_id: UUID, now: datetime) -> int:
    """How many messages of a channel are due."""
    row = connection.execute(
        "select count(*) from eventpulse.deliveries where channel_id = %s and state = 'waiting' and due_at <= %s",
        (channel_id, now),
    ).fetchone()
    return int(row[0]) if row else 0


def oldest_due(connection: psycopg.Connection, channel_id: UUID, now: datetime) -> Row | None:
    """The message of a channel that has been due longest."""
    query = (
        "select * from eventpulse.deliveries where channel_id = %s and state = 'waiting' and due_at <= %s"
        " order by due_at, number limit 1 for update"
    )
    return next(iter(_rows(connection, query, (channel_id, now))), None)


def all_gathered(connection: psycopg.Connection, channel_id: UUID, now: datetime) -> list[Row]:
    """Every due message of a channel that has not been written yet."""
    return _rows(
        connection,
        "select * from eventpulse.deliveries where channel_id = %s and state = 'waiting' and due_at <= %s"
        " and message is null order by due_at, number for update",
        (channel_id, now),
    )


def start_sending(
    connection: psycopg.Connection, delivery_id: UUID, now: datetime, *, reason: str, written: Row | None = None
) -> None:
    """The message is about to go out. `written` is what it says, when it does so first: it never changes after that."""
    if written is not None:
        connection.execute(
            "update eventpulse.deliveries set kind = %(kind)s, subject = %(subject)s, message = %(message)s::json,"
            " alert_ids = %(alerts)s, outbox_ids = %(intents)s, group_key = %(group_key)s, first_due_at = due_at"
            " where delivery_id = %(delivery_id)s",
            {**written, "delivery_id": delivery_id},
        )
    connection.execute(
        "update eventpulse.deliveries set state = 'sending', reason = %s, attempts = attempts + 1, attempted_at = %s"
        " where delivery_id = %s",
        (reason, now, delivery_id),
    )


def note_sent(connection: psycopg.Connection, delivery_id: UUID, now: datetime) -> None:
    """The receiver has taken it."""
    connection.execute(
        "update eventpulse.deliveries set state = 'sent', reason = 'sent', sent_at = %s, due_at = null"
        " where delivery_id = %s",
        (now, delivery_id),
    )


def still_open(connection: psycopg.Connection, delivery_id: UUID) -> list[UUID]:
    """The alerts a delivery is about that are open, and that nobody has acknowledged."""
    rows = connection.execute(
        "select a.alert_id from eventpulse.deliveries d join eventpulse.alerts a on a.alert_id = any(d.alert_ids)"
        " where d.delivery_id = %s and a.state = 'open'",
        (delivery_id,),
    )
    return [alert_id for (alert_id,) in rows]


def try_again(
    connection: psycopg.Connection,
    delivery_id: UUID,
    at: datetime,
    *,
    reason: str,
    error: str | None = None,
    interrupted: bool = False,
) -> None:
    """It is sent once more, later."""
    connection.execute(
        "update eventpulse.deliveries set state = 'waiting', due_at = %s, reason = %s,"
        " last_error = coalesce(%s, last_error), interrupted = interrupted or %s where delivery_id = %s",
        (at, reason, error, interrupted, delivery_id),
    )


def end_unsent(
    connection: psycopg.Connection, delivery_id: UUID, state: str, *, reason: str, error: str | None = None
) -> None:
    """It is not sent any more: failed, gave_up or held."""
    connection.execute(
        "update eventpulse.deliveries set state = %s, reason = %s, last_error = coalesce(%s, last_error), due_at = null"
        " where delivery_id = %s",
        (state, reason, error, delivery_id),
    )


def put_off(connection: psycopg.Connection, delivery_id: UUID, until: datetime, reason: str) -> None:
    """A message that gathers is looked at later."""
    connection.execute(
        "update eventpulse.deliveries set due_at = %s, reason = %s where delivery_id = %s", (until, reason, delivery_id)
    )


def underway(connection: psycopg.Connection) -> list[Row]:
    """Messages that somebody was sending, with the kind of their channel."""
    query = (
        "select d.*, c.kind as channel_kind from eventpulse.deliveries d left join eventpulse.channels c"
        " using (channel_id) where d.state = 'sending'"
    )
    return _rows(connection, query, ())


def attempts_since(connection: psycopg.Connection, since: datetime) -> list[tuple[UUID, datetime]]:
    """When messages went out since an instant, and on which channel."""
    return connection.execute(
        "select channel_id, attempted_at from eventpulse.deliveries"
        " where attempted_at > %s and channel_id is not null and kind <> 'test'",
        (since,),
    ).fetchall()


def openings(connection: psycopg.Connection, channel_id: UUID, alert_ids: Sequence[UUID]) -> dict[UUID, str]:
    """What became on a channel of the news that these alerts had opened: the best of `sent` and `underway`."""
    rows = connection.execute(
        """
        select alert_id, bool_or(d.state = 'sent')
        from eventpulse.deliveries d, unnest(d.alert_ids) as alert_id
        where d.channel_id = %(channel)s and d.alert_ids && %(alerts)s and d.message is not null
          and d.kind in ('firing', 'digest') and d.state in ('sent', 'sending', 'waiting')
          and alert_id = any(%(alerts)s)
        group by alert_id
        """,
        {"channel": channel_id, "alerts": list(alert_ids)},
    )
    return {alert_id: "sent" if sent else "underway" for alert_id, sent in rows}


def next_due(connection: psycopg.Connection) -> tuple[dict[UUID, datetime], datetime | None]:
    """When the next message of each channel is due, and when the next held delivery is looked at."""
    rows = connection.execute(
        "select channel_id, min(due_at) from eventpulse.deliveries where state = 'waiting' group by channel_id"
    ).fetchall()
    row = connection.execute(
        "select min(due_at) from eventpulse.deliveries where state = 'held' and due_at is not null"
    ).fetchone()
    return dict(rows), row[0] if row else None


def hold_all(connection: psycopg.Connection, channel_id: UUID, reason: str) -> None:
    """Whatever a channel still had to send is held for good."""
    connection.execute(
        "update eventpulse.deliveries set state = 'held', reason = %s, due_at = null"
        " where channel_id = %s and state = 'waiting'",
        (reason, channel_id),
    )


def channels_now(connection: psycopg.Connection) -> list[Row]:
    """Every channel."""
    return _rows(connection, "select * from eventpulse.channels order by name, channel_id", ())


def note_channel(
    connection: psycopg.Connection, channel_id: UUID, *, sent_at: datetime | None = None, error: str | None = None
) -> int:
    """A channel has taken a message, or not; says how many it has not in a row."""
    row = connection.execute(
        "update eventpulse.channels set last_error = %(error)s, last_sent_at = coalesce(%(sent)s, last_sent_at)"
        ", failures = case when %(sent)s::timestamptz is null then failures + 1 else 0 end"
        " where channel_id = %(channel)s returning failures",
        {"sent": sent_at, "error": error, "channel": channel_id},
    ).fetchone()
    return int(row[0]) if row else 0


def channel_waits(connection: psycopg.Connection, channel_id: UUID, until: datetime | None, why: str | None) -> None:
    """Until when nothing is sent on a channel, and why; None: it waits for nothing."""
    connection.execute(
        "update eventpulse.channels set waits_until = %(until)s, waits_why = %(why)s where channel_id = %(channel)s"
        " and (waits_until, waits_why) is distinct from (%(until)s::timestamptz, %(why)s::text)",
        {"until": until, "why": why, "channel": channel_id},
    )


def _channel(channel: Row | None) -> tuple[UUID | None, str]:
    return (None, "") if channel is None else (channel["channel_id"], channel["name"])


def _unique(alert_ids: Sequence[UUID]) -> list[UUID]:
    return list(dict.fromkeys(alert_ids))


def _rows(connection: psycopg.Connection, query: str, values: Sequence[Any]) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()
