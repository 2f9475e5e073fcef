"""An alert as JSON, the same over HTTP and over the WebSocket."""

from typing import Any

import msgspec
from sqlalchemy import Row

from eventpulse.database.alerts.alert_queries import SHOWN
from eventpulse.stream.alert_messages import alert_document


def alert_as_json(row: Row) -> dict[str, Any]:
    """What is shown of an alert."""
    return alert_document({column.name: row._mapping[column.name] for column in SHOWN})


def runbook_of(labels: str) -> str | None:
    """The address of a runbook in the labels of an alert, where it is one that a browser may follow."""
    found = msgspec.json.decode(labels, type=dict[str, str]).get("runbook", "")
    return found if found.lower().startswith(("https://", "http://")) else None
