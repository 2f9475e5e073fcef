"""The jobs: what Dagster can start."""

import signal
import threading
from collections.abc import Callable
from contextlib import closing

import dagster as dg

from eventpulse.database.connect import open_connection
from eventpulse.settings import load_settings
from pipelines.history.rerun import rerun
from pipelines.history.told_days import Said, told_of_alerts, told_of_anomalies
from pipelines.live.drain_run import DrainRun
from pipelines.live.report_to_dagster import DagsterReporter

DRAIN_JOB = "drain_stream"


@dg.op(
    name="drain",
    description="Leads the stream for the length of a lease, after having stood by: takes micro-batches from Redis, "
    "stores their events, evaluates the rules, and reports what it did.",
)
def drain_op(context: dg.OpExecutionContext) -> None:
    """One drain run; re-executed, it evaluates again what the run took that was executed first."""
    if (earlier := context.run.root_run_id) is not None:
        _rerun(context, earlier)
        return
    reporter = DagsterReporter(context)
    DrainRun(load_settings(), context.run_id, reporter, shall_stop=told_to_end()).run()
    reporter.finish()


@dg.job(
    name=DRAIN_JOB,
    executor_def=dg.in_process_executor,
    description="Moves events from the stream into the database and finds anomalies in them, in micro-batches. "
    "One run leads, the next stands by; the sensor `drain_keeper` sees to it.",
    tags={"eventpulse/role": "drain"},
)
def drain_stream() -> None:
    """The live pipeline."""
    drain_op()


def _rerun(context: dg.OpExecutionContext, earlier: str) -> None:
    settings = load_settings()
    application = f"eventpulse history {context.run_id}"
    with closing(open_connection(settings.database_address(), application=application)) as connection:
        tally = rerun(connection, settings, earlier, context.run_id, context.log.info)
        anomalies = told_of_anomalies(
            connection, tally, sorted(tally.new_by_day), rules=len(tally.by_rule), origin="rerun"
        )
        alerts = told_of_alerts(connection, tally, sorted(tally.alerts_by_day), origin="rerun")
    for asset, days in (("anomalies", anomalies), ("alerts", alerts)):
        for day, said in days.items():
            metadata: Said = {**said, "of_run": earlier}
            context.log_event(dg.AssetMaterialization(asset, partition=day, metadata=metadata))


def told_to_end() -> Callable[[], bool]:
    """Whether SIGTERM has come: the product is being stopped; the batch in hand is finished, no other begun."""
    told = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda number, frame: told.set())
    return told.is_set
