"""The jobs over history: what Dagster can start on days that are chosen."""

import dagster as dg

from assets.anomalies import anomalies
from assets.rule_audit import rule_audit

#: Runs with this tag take turns (dagster.yaml).
_TURNS = "eventpulse/history"

backfill = dg.define_asset_job(
    "backfill",
    selection=dg.AssetSelection.assets(anomalies),
    tags={_TURNS: "write"},
    description="Evaluates the rules over chosen days and makes the anomalies that stand be those that follow.",
)
audit = dg.define_asset_job(
    "audit",
    selection=dg.AssetSelection.assets(rule_audit),
    tags={_TURNS: "read"},
    description="Evaluates a closed day afresh and compares with the anomalies that stand. Changes nothing.",
)
repair = dg.define_asset_job(
    "repair",
    selection=dg.AssetSelection.assets(rule_audit),
    config={"ops": {"rule_audit": {"config": {"repair": True}}}},
    tags={_TURNS: "write"},
    description="Audits a closed day; where its anomalies differ, makes those that follow stand, and audits it again.",
)
