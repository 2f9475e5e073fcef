"""Alerts and intents to notify, written into the database as a micro-batch or a person would."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import psycopg
from psycopg.types.json import Json

RULE = UUID(int=7)
OPENED = datetime(2026, 1, 30, 12, 0, tzinfo=UTC)


def alert_id(number: int) -> UUID:
    """The id of the alert of this number."""
    return uuid5(RULE, str(number))


def open_alerts(connection: psycopg.Connection, *numbers: int, **changes: Any) -> None:
    """Alerts that open, each with an intent, in one transaction."""
    fields: dict[str, Any] = {
        "rule_name": "ssh brute force",
        "severity": "critical",
        "mode": "live",
        "labels": {"team": "security", "runbook": "https://wiki.example.com/ssh"},
        "origin": "live",
        "asked": False,
        "message": "8 failed logins",
        **changes,
    }
    asked = fields.pop("asked")
    rows = [
        {
            **fields,
            "alert_id": alert_id(number),
            "labels": Json(fields["labels"]),
            "group": Json(fields.get("group", {"payload.ip": f"10.0.0.{number}"})),
            "opened_at": OPENED + timedelta(seconds=number),
        }
        for number in numbers
    ]
    with connection.transaction():
        connection.cursor().executemany(
            """
            insert into eventpulse.alerts (alert_id, rule_id, rule_name, rule_version, severity, mode, labels,
                "group", group_key, opened_at, last_at, anomaly_count, message, value, threshold, expected,
                first_anomaly_id, latest_anomaly_id, origin, batch_id, meaning)
            values (%(alert_id)s, '00000000-0000-0000-0000-000000000007', %(rule_name)s, 1, %(severity)s, %(mode)s,
                %(labels)s, %(group)s, 1, %(opened_at)s, %(opened_at)s, 1, %(message)s, 8, 5, 'more than 5',
                %(alert_id)s, %(alert_id)s, %(origin)s, 1, 'meaning')
            """,
            rows,
        )
        _intend(connection, numbers, "opened", fields["origin"], asked)


def resolve_alerts(connection: psycopg.Connection, *numbers: int) -> None:
    """Alerts that are over, each with an intent."""
    with connection.transaction():
        for number in numbers:
            connection.execute(
                "update eventpulse.alerts set state = 'resolved', resolved_at = clock_timestamp(),"
                " resolution = 'ended', ended_at = opened_at + interval '90 s' where alert_id = %s",
                (alert_id(number),),
            )
        _intend(connection, numbers, "resolved", "live", False)


def acknowledge_alerts(connection: psycopg.Connection, *numbers: int) -> None:
    """Alerts that somebody looks after."""
    with connection.transaction():
        for number in numbers:
            connection.execute(
                "update eventpulse.alerts set state = 'acknowledged', acknowledged_at = clock_timestamp(),"
                " acknowledged_by = 'ada' where alert_id = %s",
                (alert_id(number),),
            )
        _intend(connection, numbers, "acknowledged", "live", False)


def _intend(connection: psycopg.Connection, numbers: Sequence[int], what: str, origin: str, asked: bool) -> None:
    connection.cursor().executemany(
        "insert into eventpulse.outbox (alert_id, what, origin, asked) values (%s, %s, %s, %s)",
        [(alert_id(number), what, origin, asked) for number in numbers],
    )
    connection.execute("select pg_notify('eventpulse_outbox', '')")
