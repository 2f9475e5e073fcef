"""The stream of accepted events: where everything begins. Redis holds it; Dagster only knows of it."""

import dagster as dg

event_stream = dg.AssetSpec(
    "event_stream",
    group_name="ingestion",
    kinds={"redis"},
    owners=["team:eventpulse"],
    description="Events the API has accepted and Redis has on disk, until the drain has stored them. "
    "One entry holds one flush of the API.",
)
