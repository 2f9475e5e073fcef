"""Counts of events by minute, type and source, by UTC day of event time."""

import warnings
from datetime import date

import dagster as dg

from assets.events import events
from assets.history import history_connection
from assets.pages import links
from assets.partitions import daily
from eventpulse.database.events.recount import recount_day
from eventpulse.settings import load_settings

# Dagster calls `backfill_policy` beta and would say so in the log of every process.
warnings.filterwarnings("ignore", "Parameter `backfill_policy`", dg.BetaWarning)


@dg.asset(
    deps=[events],
    partitions_def=daily,
    backfill_policy=dg.BackfillPolicy.single_run(),
    pool="history",
    group_name="ingestion",
    kinds={"postgres"},
    owners=["team:eventpulse"],
    metadata={**links(dashboard=""), "table": "eventpulse.event_rollups"},
    description="How many events there were by minute, type and source, in table `eventpulse.event_rollups`: charts, "
    "metrics and the way through history read these. They are counted in the transaction that stores the events, and "
    "drain runs report them when they end. Materialising a day counts its events anew and says how many counts "
    "differed, which should be none.",
)
def event_rollups(context: dg.AssetExecutionContext) -> None:
    """Count the chosen days anew."""
    with history_connection(load_settings(), context.run.run_id) as connection:
        for day in context.partition_keys:
            recounted = recount_day(connection, date.fromisoformat(day))
            if recounted.corrected:
                context.log.warning(f"{day}: {recounted.corrected:,} counts were not those of the stored events.")
            metadata: dict[str, int | str] = {
                "dagster/row_count": recounted.rows,
                "events": recounted.events,
                "corrected": recounted.corrected,
                "origin": "recount",
            }
            context.add_asset_metadata(metadata, partition_key=day)
