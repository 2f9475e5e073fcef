"""Stored events, by UTC day of event time."""

from datetime import timedelta

import dagster as dg

from assets.event_stream import event_stream
from assets.pages import links
from assets.partitions import daily

events = dg.AssetSpec(
    "events",
    deps=[event_stream],
    partitions_def=daily,
    group_name="ingestion",
    kinds={"postgres"},
    owners=["team:eventpulse"],
    metadata={**links(search="events", batches="batches"), "table": "eventpulse.events"},
    freshness_policy=dg.FreshnessPolicy.time_window(
        fail_window=timedelta(minutes=15), warn_window=timedelta(minutes=10)
    ),
    description="Every event that was accepted, once, in table `eventpulse.events`. Materialised by drain runs, "
    "for the days that their micro-batches touch. Fresh means: what has been accepted is stored, even where nothing "
    "came; the sensor `stream_watch` says so every few minutes.",
)
