"""Let Dagster forget runs that ended long ago, with their event logs, and keep what they said about each day.

A drain run ends every few minutes, so Dagster's tables would grow without end. Which days are materialised, Dagster
knows from the event logs of runs alone; a day whose last run goes is said again, in one line of its own.
"""

from datetime import datetime

import dagster as dg

#: Runs removed in one go, and in one clean-up: what is left goes with the next.
AT_ONCE, AT_MOST = 100, 2_000
_ASSETS = (dg.AssetKey("events"), dg.AssetKey("anomalies"))
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def prune_runs(instance: dg.DagsterInstance, limit: datetime, *, at_most: int = AT_MOST) -> int:
    """Delete the ended runs that were created before an instant, the oldest first; says how many there were."""
    removed = 0
    while removed < at_most:
        wanted = dg.RunsFilter(statuses=_ENDED, created_before=limit)
        portion = min(AT_ONCE, at_most - removed)
        records = instance.get_run_records(wanted, limit=portion, ascending=True)
        if not records:
            break
        before = {asset: instance.get_materialized_partitions(asset) for asset in _ASSETS}
        for record in records:
            instance.delete_run(record.dagster_run.run_id)
        for asset, days in before.items():
            for day in sorted(days - instance.get_materialized_partitions(asset)):
                note = {"kept": "the runs that materialised this day have been pruned"}
                instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=day, metadata=note))
        removed += len(records)
    return removed
