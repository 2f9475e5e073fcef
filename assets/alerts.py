"""Alerts, by the UTC day they opened on."""

import dagster as dg

from assets.anomalies import anomalies
from assets.pages import links
from assets.partitions import daily

alerts = dg.AssetSpec(
    "alerts",
    deps=[anomalies],
    partitions_def=daily,
    group_name="alerting",
    kinds={"postgres"},
    owners=["team:eventpulse"],
    metadata={**links(alerts="alerts"), "table": "eventpulse.alerts"},
    description="Episodes of one rule and group in table `eventpulse.alerts`: opened by an anomaly, gathering those "
    "that follow, resolved when the condition has ended. They change in the transaction that stores the anomalies.",
)
