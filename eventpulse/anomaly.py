"""The anomaly: the frame that rules produce and that is stored, shown and sent."""

import polars as pl

from eventpulse.event import UTC_MICROSECONDS

#: One row for each anomaly, as the rules find it. `group` is canonical JSON text of path -> value (`{}` without
#: group_by), `group_key` a 64-bit hash of it. `event_id` and `position` are null where the trigger is no event.
#: `value` and `threshold` are what was measured and what it was held against; `expected` is text for a person.
#: `contributing` holds up to 20 event ids, newest last; `contributing_count` how many there were.
ANOMALY_SCHEMA = pl.Schema(
    {
        "anomaly_id": pl.String(),
        "rule_id": pl.String(),
        "rule_version": pl.Int64(),
        "severity": pl.String(),
        "group": pl.String(),
        "group_key": pl.Int64(),
        "occurred_at": UTC_MICROSECONDS,
        "position": pl.Int64(),
        "event_id": pl.String(),
        "value": pl.Float64(),
        "threshold": pl.Float64(),
        "expected": pl.String(),
        "window_start": UTC_MICROSECONDS,
        "window_end": UTC_MICROSECONDS,
        "contributing": pl.List(pl.String()),
        "contributing_count": pl.Int64(),
        "message": pl.String(),
    }
)
