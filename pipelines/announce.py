"""What people who listen are told of new anomalies."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import msgspec
import polars as pl

from eventpulse.clock import iso_utc
from eventpulse.stream.announcements import AnomalyMessage


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
