"""The rule book: what the anomalies depend on beside the events."""

import dagster as dg

from assets.pages import links

rule_book = dg.AssetSpec(
    "rule_book",
    group_name="detection",
    kinds={"postgres"},
    owners=["team:eventpulse"],
    metadata={**links(rules="rules"), "table": "eventpulse.rules"},
    description="Rules in table `eventpulse.rules`, every version of them in `eventpulse.rule_versions`. They are "
    "changed through the API and `eventpulse rules`; a change counts from the next micro-batch on.",
)
