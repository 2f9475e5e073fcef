"""What a drain tells the world through Redis: new anomalies, and that it is alive."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
import redis

from eventpulse.stream.keys import ANOMALY_NOTIFICATIONS
from eventpulse.stream.shards import EVERY_SHARD

HEALTH_EXPIRES_SECONDS = 5


class AnomalyMessage(msgspec.Struct, frozen=True):
    """One anomaly as people who listen see it. Times are ISO 8601; `group` is JSON as it is stored."""

    severity: str
    message: str
    detected_at: str
    anomaly_id: str
    rule_id: str
    rule_name: str
    event_id: str | None
    occurred_at: str
    group: msgspec.Raw
    value: float | None
    threshold: float | None
    origin: str
    type: str = "anomaly"


class Heartbeat(msgspec.Struct, frozen=True):
    """A sign of life of the leading drain."""

    run_id: str
    shard: int
    heartbeat_at: datetime
    lease_until: datetime
    lag_seconds: float
    batches: int


def announce(client: "redis.Redis", messages: Sequence[AnomalyMessage]) -> None:
    """Publish anomalies to whoever listens now. They are stored already, so nobody who does not listen loses them."""
    pipe = client.pipeline(transaction=False)
    for message in messages:
        pipe.publish(ANOMALY_NOTIFICATIONS, msgspec.json.encode(message))
    pipe.execute()


def beat(client: "redis.Redis", heartbeat: Heartbeat) -> None:
    """Renew the sign of life; it vanishes by itself when its drain dies."""
    client.set(EVERY_SHARD[heartbeat.shard].health, msgspec.json.encode(heartbeat), ex=HEALTH_EXPIRES_SECONDS)
