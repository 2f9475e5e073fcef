"""The stream of accepted events: where everything begins. Redis holds it; Dagster only knows of it."""

import dagster as dg

from assets.pages import links

event_stream = dg.AssetSpec(
    "event_stream",
    group_name="ingestion",
    kinds={"redis"},
    owners=["team:eventpulse"],
    metadata=links(dashboard=""),
    description="Events the API has accepted and Redis has on disk, until the drain has stored them. "
    "One entry holds one flush of the API. The sensor `stream_watch` observes how much waits, and for how long.",
)
