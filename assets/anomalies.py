"""What the rules found, by UTC day of event time: kept up to date by drain runs, filled in for days that are chosen."""

import warnings
from collections.abc import Iterator

import dagster as dg

from assets.events import events
from assets.history import HistoryOptions, backfill_days
from assets.history_checks import NO_GAPS, gaps, look
from assets.pages import links
from assets.partitions import daily
from assets.rule_book import rule_book
from eventpulse.settings import load_settings

# Dagster calls `backfill_policy` beta and would say so in the log of every process.
warnings.filterwarnings("ignore", "Parameter `backfill_policy`", dg.BetaWarning)


@dg.asset(
    deps=[events, rule_book],
    partitions_def=daily,
    backfill_policy=dg.BackfillPolicy.single_run(),
    pool="history",
    group_name="detection",
    kinds={"polars", "postgres"},
    owners=["team:eventpulse"],
    check_specs=[NO_GAPS],
    metadata={**links(rules="rules", audits="audits"), "table": "eventpulse.anomalies"},
    description="Anomalies in table `eventpulse.anomalies`: a pure function of the rules and the stored events. "
    "Drain runs report them in passing, for the days that their events touch. Materialising a day evaluates the rules "
    "over it again and makes the anomalies that stand be those that follow; nobody is notified unless the "
    "configuration says so.",
)
def anomalies(
    context: dg.AssetExecutionContext, config: HistoryOptions
) -> Iterator[dg.AssetMaterialization | dg.MaterializeResult | dg.AssetCheckEvaluation | dg.Output[None]]:
    """Evaluate the chosen days again."""
    yield from backfill_days(context, config)
    yield gaps(look(load_settings()))
    yield dg.Output(None, output_name=f"anomalies_{NO_GAPS.name}")  # so Dagster knows that the check has been made
