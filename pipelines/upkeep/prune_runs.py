"""Let Dagster forget runs that ended long ago, with their event logs, and keep what they said about each day.

A drain run ends every few minutes, so Dagster's tables would grow without end. Which days are materialised, Dagster
knows from the event logs of runs alone; a day whose last run goes is said again, in one line of its own.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import dagster as dg

#: Runs removed in one go, and in one clean-up: what is left goes with the next.
AT_ONCE, AT_MOST = 100, 2_000
_ASSETS = tuple(dg.AssetKey(name) for name in ("events", "event_rollups", "anomalies", "alerts", "rule_audit"))
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_NOTE = "the runs that materialised this day have been pruned"


def prune_runs(instance: dg.DagsterInstance, limit: datetime, *, at_most: int = AT_MOST) -> int:
    """Delete the ended runs that were created before an instant, the oldest first; says how many there were."""
    removed = 0
    while removed < at_most:
        wanted = dg.RunsFilter(statuses=_ENDED, created_before=limit)
        portion = min(AT_ONCE, at_most - removed)
        run_ids = [run.dagster_run.run_id for run in instance.get_run_records(wanted, limit=portion, ascending=True)]
        if not run_ids:
            break
        said = {(told.asset_key, told.partition): told for told in _materialisations(instance, run_ids)}
        for run_id in run_ids:
            instance.delete_run(run_id)
        _say_again(instance, said)
        removed += len(run_ids)
    return removed


def _say_again(
    instance: dg.DagsterInstance, said: dict[tuple[dg.AssetKey, str | None], dg.AssetMaterialization]
) -> None:
    """Report what was said last about each day of which nothing is known any more."""
    for asset in _ASSETS:
        days = {day for key, day in said if key == asset and day is not None}
        for day in sorted(days - instance.get_materialized_partitions(asset)):
            metadata = {**said[asset, day].metadata, "kept": dg.MetadataValue.text(_NOTE)}
            instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=day, metadata=metadata))


def _materialisations(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> Iterator[dg.AssetMaterialization]:
    """What runs told of assets, oldest first."""
    for run_id in run_ids:
        for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
            if entry.dagster_event is not None and entry.dagster_event.event_specific_data is not None:
                yield entry.dagster_event.step_materialization_data.materialization
