"""What is published of alerts, and of micro-batches, to people who listen."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec
import redis

from eventpulse.clock import iso_utc
from eventpulse.stream.keys import ALERT_NOTIFICATIONS, BATCH_NOTIFICATIONS

Change = Literal["opened", "gathered", "acknowledged", "unacknowledged", "resolved"]


def alert_document(row: Mapping[str, Any]) -> dict[str, Any]:
    """An alert as people get it, from its columns: times in ISO 8601, `group` and `labels` as they are stored."""
    document = dict(row)
    for name, value in row.items():
        if isinstance(value, datetime):
            document[name] = iso_utc(value)
    document["group"] = msgspec.Raw(row["group"].encode())
    document["labels"] = msgspec.Raw(row["labels"].encode())
    return document


def alert_message(change: Change, document: Mapping[str, Any]) -> bytes:
    """One change of an alert as it is published."""
    return msgspec.json.encode({"type": "alert", "change": change, "alert": document})


def announce_alerts(client: "redis.Redis", messages: Iterable[bytes]) -> None:
    """Publish changes of alerts to whoever listens now. They are stored already."""
    pipe = client.pipeline(transaction=False)
    for message in messages:
        pipe.publish(ALERT_NOTIFICATIONS, message)
    pipe.execute()


def announce_batch(client: "redis.Redis", message: Mapping[str, Any]) -> None:
    """Publish what a micro-batch brought."""
    client.publish(BATCH_NOTIFICATIONS, msgspec.json.encode({"type": "batch", **message}))
