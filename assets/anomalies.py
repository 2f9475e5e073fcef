"""What the rules found, by UTC day of event time."""

import dagster as dg

from assets.events import events
from assets.partitions import daily

anomalies = dg.AssetSpec(
    "anomalies",
    deps=[events],
    partitions_def=daily,
    group_name="detection",
    kinds={"polars", "postgres"},
    owners=["team:eventpulse"],
    description="Anomalies in table `eventpulse.anomalies`: a pure function of the rules and the stored events. "
    "Materialised by drain runs, in the transaction that stores the events.",
)
