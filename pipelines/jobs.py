"""The jobs: what Dagster can start."""

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
    DrainRun(load_settings(), context.run_id, DagsterReporter(context)).run()


@dg.job(
    name=DRAIN_JOB,
    executor_def=dg.in_process_executor,
    description="Moves events from the stream into the database and finds anomalies in them, micro-batch by micro-batch. "
    "One run leads, the next stands by; the sensor `drain_keeper` sees to it.",
    tags={"eventpulse/role": "drain"},
)
def drain_stream() -> None:
    """The live pipeline."""
    drain_op()
