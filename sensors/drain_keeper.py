"""Keeps the streams drained: one drain run leads each shard, one stands by, and what has died is said to have died.

Dagster's daemon looks at a sensor every few seconds. So that a dead leader is replaced at once, a tick does not look
once: it watches for a while, in small steps, and ends the moment something has to be done. Who leads and who stands by
it reads from PostgreSQL's connections and locks, which nothing can disagree with.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
from sqlalchemy import Engine

from eventpulse.database.connect import open_engine
from eventpulse.database.leadership import current_leases, drains_wanted, everybody
from eventpulse.settings import load_settings
from eventpulse.stream.shards import shards_of
from pipelines.jobs import DRAIN_JOB, drain_stream
from sensors.drain_verdict import Attendance, DrainRunSeen, judge_drains

WATCH_SECONDS = 50.0
STEP_SECONDS = 0.25
#: Dagster is asked about its runs less often than PostgreSQL about the queue: that keeps watching cheap.
ASK_DAGSTER_SECONDS = 2.0
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


@dg.sensor(
    target=drain_stream,
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Keeps one drain run leading each shard, and one standing by for every eight of them.",
)
def drain_keeper(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Watch, and ask for runs when any are missing."""
    settings = load_settings()
    engine = open_engine(settings.database_address(), application="eventpulse keeper of drains", pool_size=1)
    try:
        shards = [shard.number for shard in shards_of(settings.shards)]
        return _watch(context, engine, timedelta(seconds=settings.run_start_seconds), shards)
    finally:
        engine.dispose()


def _watch(
    context: dg.SensorEvaluationContext, engine: Engine, grace: timedelta, shards: Sequence[int]
) -> dg.SensorResult | dg.SkipReason:
    wanted = drains_wanted(len(shards))
    attendance = Attendance(seen=set((context.cursor or "").split()), grace=grace)
    deadline = time.monotonic() + WATCH_SECONDS
    asked = 0.0
    while time.monotonic() < deadline:
        contending = everybody(engine)
        if len(contending) < wanted or time.monotonic() - asked >= ASK_DAGSTER_SECONDS:
            asked = time.monotonic()
            # First who should be at work, then who is: else a run that takes the lead meanwhile would seem to be gone.
            leases, runs = current_leases(engine), recent_runs(context.instance, DRAIN_JOB)
            attendance.seen |= {lease.run_id for lease in leases.values()}
            contending = everybody(engine)
            now = datetime.now(UTC)
            missing = attendance.look(contending, runs, monotonic=time.monotonic(), now=now)
            verdict = judge_drains(contending, runs, missing, now=now, wanted=wanted, shards=shards)
            for run_id in verdict.died:
                report_death(context, run_id)
            context.update_cursor(_cursor(attendance, runs))
            if verdict.lack is not None:
                return dg.SensorResult([dg.RunRequest(tags={"eventpulse/why": verdict.lack.value})] * verdict.wanted)
        time.sleep(STEP_SECONDS)
    return dg.SkipReason("Every shard has a leading drain, and somebody stands by.")


def _cursor(attendance: Attendance, runs: Sequence[DrainRunSeen]) -> str:
    """The unfinished runs that have been at work, for the next tick."""
    return " ".join(sorted(attendance.seen & {run.run_id for run in runs if not run.finished}))


def recent_runs(instance: dg.DagsterInstance, job: str) -> list[DrainRunSeen]:
    """Every unfinished run of a job, and the newest finished ones."""
    unfinished = instance.get_run_records(dg.RunsFilter(job_name=job, statuses=_UNFINISHED), limit=200)
    newest = instance.get_run_records(dg.RunsFilter(job_name=job), limit=10)
    # A run that is executed again evaluates history; it neither leads nor stands by.
    drains = [record for record in [*unfinished, *newest] if record.dagster_run.parent_run_id is None]
    seen = {record.dagster_run.run_id: _seen(record) for record in drains}
    return sorted(seen.values(), key=lambda run: run.created_at, reverse=True)


def _seen(record: dg.RunRecord) -> DrainRunSeen:
    run = record.dagster_run
    return DrainRunSeen(
        run.run_id,
        created_at=record.create_timestamp.astimezone(UTC),
        finished=run.is_finished,
        failed=run.status == dg.DagsterRunStatus.FAILURE,
        lasted=timedelta(seconds=record.end_time - record.start_time)
        if record.end_time and record.start_time
        else timedelta(),
    )


def report_death(context: dg.SensorEvaluationContext, run_id: str) -> None:
    """Mark a run as failed that died without telling Dagster."""
    run = context.instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        context.instance.report_run_failed(
            run, message="The run's process is gone: its connection to PostgreSQL no longer exists."
        )
        context.log.warning(f"Run {run_id} of {run.job_name} had died; it is marked as failed.")
