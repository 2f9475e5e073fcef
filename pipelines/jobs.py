"""The jobs: what Dagster can start."""

import signal
import threading
from collections.abc import Callable

import dagster as dg

from eventpulse.settings import load_settings
from pipelines.drain_run import DrainRun
from pipelines.report_to_dagster import DagsterReporter

DRAIN_JOB = "drain_stream"


@dg.op(
    name="drain",
    description="Leads the stream for the length of a lease, after having stood by: takes micro-batches from Redis, "
    "stores their events, evaluates the rules, and reports what it did.",
)
def drain_op(context: dg.OpExecutionContext) -> None:
    """One drain run."""
    run = DrainRun(load_settings(), context.run_id, DagsterReporter(context), shall_stop=_told_to_end())
    run.run()


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


def _told_to_end() -> Callable[[], bool]:
    """Whether SIGTERM has come: the product is being stopped; the batch in hand is finished, no other begun."""
    told = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda number, frame: told.set())
    return told.is_set
