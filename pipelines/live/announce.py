"""What people who listen are told: of new anomalies, changes of alerts, and micro-batches."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import polars as pl
import redis

from eventpulse.clock import Clock, iso_utc, utc_now
from eventpulse.stream.alert_messages import alert_document, alert_message, announce_alerts, announce_batch
from eventpulse.stream.announcements import AnomalyMessage, announce
from eventpulse.stream.connect import open_redis
from pipelines.live.store_batch import Committed
from rules.rule import Rule

#: Never announce more anomalies of one batch than this; the rest is read from the API.
MOST_ANNOUNCED = 1_000
_BATCH_SECONDS = 0.25
_log = logging.getLogger(__name__)


def messages(found: pl.DataFrame, name_of: Callable[[UUID], str], *, detected_at: datetime) -> list[AnomalyMessage]:
    """New anomalies as the people who listen get them."""
    return [
        AnomalyMessage(
            severity=row["severity"],
            message=row["message"],
            detected_at=iso_utc(detected_at),
            anomaly_id=row["anomaly_id"],
            rule_id=row["rule_id"],
            rule_name=name_of(UUID(row["rule_id"])),
            event_id=row["event_id"],
            occurred_at=iso_utc(row["occurred_at"]),
            group=msgspec.Raw(row["group"].encode()),
            value=row["value"],
            threshold=row["threshold"],
            origin=row["origin"],
        )
        for row in found.iter_rows(named=True)
    ]


def announce_history(redis_url: str, new: pl.DataFrame, rules: Sequence[Rule], *, origin: str) -> int:
    """Tell people of anomalies of the past (ANOMALY_SCHEMA), since somebody asked for it; how many they were."""
    if new.is_empty():
        return 0
    names = {rule.rule_id: rule.name for rule in rules}
    found = new.with_columns(origin=pl.lit(origin))
    with open_redis(redis_url) as client:
        announce(client, messages(found, names.__getitem__, detected_at=utc_now()))
    return found.height


class Announcer:
    """Tells people who listen what a drain commits. Everything is stored already, so Redis being away loses nothing."""

    def __init__(self, client: "redis.Redis", clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._told_at = 0.0
        self._untold: dict[str, Any] | None = None

    def tell(self, committed: Committed, name_of: Callable[[UUID], str], lag_seconds: float) -> None:
        """New anomalies, changes of alerts, and the micro-batch itself, this at most four times a second."""
        found, told = committed.found.anomalies.head(MOST_ANNOUNCED), committed.alerts.told
        now = self._clock()
        self._untold = _batch_message(committed, now, lag_seconds)
        try:
            if not found.is_empty():
                announce(self._client, messages(found, name_of, detected_at=now))
            if told:
                announce_alerts(self._client, (alert_message(change, alert_document(row)) for change, row in told))
            self.keep_up()
        except redis.RedisError as fault:
            _log.warning(
                "%d anomalies and %d alerts are stored and could not be announced: %s", found.height, len(told), fault
            )

    def keep_up(self) -> None:
        """Tell of the last micro-batch, where that was too early when it came."""
        now = time.monotonic()
        if self._untold is not None and now - self._told_at >= _BATCH_SECONDS:
            announce_batch(self._client, self._untold)
            self._told_at, self._untold = now, None


def _batch_message(committed: Committed, committed_at: datetime, lag_seconds: float) -> dict[str, Any]:
    row = committed.row
    return {
        "batch_id": row.batch_id,
        "committed_at": iso_utc(committed_at),
        "taken": row.taken,
        "stored": row.stored,
        "duplicates": row.duplicates,
        "dead_lettered": row.dead_lettered,
        "anomalies": row.anomalies,
        "lag_seconds": round(lag_seconds, 4),
    }
