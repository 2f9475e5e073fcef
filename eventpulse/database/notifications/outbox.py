"""Read intents to notify, with their alerts as they are now, over the connection of the sender."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

Rows = list[dict[str, Any]]

_ALERT = """
    a.alert_id, a.rule_id, a.rule_name, a.severity, a.origin, a.state, a.mode, a.labels, a."group", a.message, a.value,
    a.threshold, a.expected, a.opened_at, a.last_at, a.ended_at, a.anomaly_count
"""


def intents_to_route(connection: psycopg.Connection, most: int) -> Rows:
    """Intents nobody has routed yet, the oldest first. One whose alert is gone is skipped, and marked by the caller."""
    return _rows(
        connection,
        f"select o.outbox_id, o.what, o.origin as intent_origin, o.asked, {_ALERT}"
        " from (select * from eventpulse.outbox where routed_at is null order by outbox_id limit %s) o"
        " left join eventpulse.alerts a using (alert_id) order by o.outbox_id",
        (most,),
    )


def mark_routed(connection: psycopg.Connection, outbox_ids: Sequence[int], now: datetime) -> None:
    """These intents have been routed; in the transaction that says where to."""
    connection.execute("update eventpulse.outbox set routed_at = %s where outbox_id = any(%s)", (now, list(outbox_ids)))


def intents_by_id(connection: psycopg.Connection, outbox_ids: Sequence[int]) -> Rows:
    """These intents, the oldest first; those whose alert is gone are missing."""
    return _rows(
        connection,
        f"select o.outbox_id, o.what, o.origin as intent_origin, o.asked, {_ALERT}"
        " from eventpulse.outbox o join eventpulse.alerts a using (alert_id)"
        " where o.outbox_id = any(%s) order by o.outbox_id",
        (list(outbox_ids),),
    )


def alerts_by_id(connection: psycopg.Connection, alert_ids: Sequence[UUID]) -> Rows:
    """These alerts, the oldest first."""
    return _rows(
        connection,
        f"select {_ALERT} from eventpulse.alerts a where alert_id = any(%s) order by a.opened_at, a.alert_id",
        (list(alert_ids),),
    )


def firing_alerts(connection: psycopg.Connection, most: int) -> Rows:
    """Live alerts that nobody resolved and that have not ended, the newest first: they may inhibit others."""
    return _rows(
        connection,
        f"select {_ALERT} from eventpulse.alerts a where state <> 'resolved' and mode = 'live'"
        " order by a.created_at desc limit %s",
        (most,),
    )


def muting(connection: psycopg.Connection) -> tuple[Rows, Rows]:
    """Silences that are not over, and inhibitions."""
    return (
        _rows(connection, "select * from eventpulse.silences where ends_at > now()"),
        _rows(connection, "select * from eventpulse.inhibitions"),
    )


def _rows(connection: psycopg.Connection, query: str, values: Sequence[Any] = ()) -> Rows:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()
