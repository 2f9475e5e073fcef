"""Cursors: where a page ended, so that the next one begins there whatever arrives meanwhile.

Clients hand them back as they are. They are plain enough for the OpenAPI document to say which texts are cursors.
"""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from eventpulse.database.alerts.alert_queries import AlertPlace
from eventpulse.database.anomalies.anomaly_queries import AnomalyPlace
from eventpulse.database.events.event_queries import EventPlace
from eventpulse.intake.timestamps import EPOCH, microseconds

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_LAST_POSITION = (1 << 63) - 1
EVENT_CURSOR = rf"^[0-9]{{1,18}}\.[0-9]{{1,19}}\.{_UUID}$"
ANOMALY_CURSOR = rf"^[0-9]{{1,17}}\.{_UUID}$"
ALERT_CURSOR = ANOMALY_CURSOR

Item = TypeVar("Item")


def is_cursor(form: str, text: str) -> bool:
    """Whether a text has one of the forms above."""
    return re.fullmatch(form.removesuffix("$"), text) is not None


def event_cursor(place: EventPlace) -> str:
    """The place of an event as clients carry it."""
    return f"{place.batch_id}.{place.position}.{place.event_id}"


def event_place(cursor: str) -> EventPlace:
    """The place that a text of the form EVENT_CURSOR names."""
    batch_id, position, event_id = cursor.split(".")
    return EventPlace(int(batch_id), min(int(position), _LAST_POSITION), UUID(event_id))


def anomaly_cursor(place: AnomalyPlace) -> str:
    """The place of an anomaly as clients carry it."""
    return f"{microseconds(place.detected_at)}.{place.anomaly_id}"


def anomaly_place(cursor: str) -> AnomalyPlace:
    """The place that a text of the form ANOMALY_CURSOR names."""
    detected_at, anomaly_id = cursor.split(".")
    return AnomalyPlace(EPOCH + timedelta(microseconds=int(detected_at)), UUID(anomaly_id))


def alert_cursor(place: AlertPlace) -> str:
    """The place of an alert as clients carry it."""
    return f"{microseconds(place.created_at)}.{place.alert_id}"


def alert_place(cursor: str) -> AlertPlace:
    """The place that a text of the form ALERT_CURSOR names."""
    created_at, alert_id = cursor.split(".")
    return AlertPlace(EPOCH + timedelta(microseconds=int(created_at)), UUID(alert_id))


def page(
    rows: Sequence[Item],
    *,
    limit: int,
    offset: int,
    as_json: Callable[[Item], dict[str, Any]],
    cursor_behind: Callable[[Item], str],
) -> dict[str, Any]:
    """The envelope of a list. One row more than `limit` was asked for, to know whether there is another page."""
    shown = rows[:limit]
    return {
        "data": [as_json(row) for row in shown],
        "pagination": {
            "limit": limit,
            "offset": offset,
            "count": len(shown),
            "next": cursor_behind(shown[-1]) if len(rows) > limit else None,
        },
    }
