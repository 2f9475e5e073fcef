"""Stored events, by UTC day of event time."""

import dagster as dg

from assets.event_stream import event_stream
from assets.partitions import daily

events = dg.AssetSpec(
    "events",
    deps=[event_stream],
    partitions_def=daily,
    group_name="detection",
    kinds={"postgres"},
    owners=["team:eventpulse"],
    description="Every event that was accepted, once, in table `eventpulse.events`. Materialised by drain runs, "
    "for the days that their micro-batches touch.",
)
