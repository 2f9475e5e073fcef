"""What people who listen are told of new anomalies."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
import polars as pl

from eventpulse.clock import iso_utc, utc_now
from eventpulse.stream.announcements import AnomalyMessage, announce
from eventpulse.stream.connect import open_redis
from rules.rule import Rule


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
