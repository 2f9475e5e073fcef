"""What people are told of alerts, over the channels."""

import dagster as dg

from assets.alerts import alerts
from assets.pages import links
from assets.partitions import daily

notifications = dg.AssetSpec(
    "notifications",
    deps=[alerts],
    partitions_def=daily,
    group_name="alerting",
    kinds={"postgres"},
    owners=["team:eventpulse"],
    metadata={**links(channels="channels", silences="silences"), "table": "eventpulse.deliveries"},
    description="Messages to channels in table `eventpulse.deliveries`: sent, waiting, held or failed, each with its "
    "reason; by the UTC day on which they were sent. What is to be told is written down in the transaction that "
    "changes the alert, and sent afterwards.",
)
