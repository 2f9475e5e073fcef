"""Keeps the stream drained: one drain run leads, one stands by, and what has died is said to have died.

Dagster's daemon looks at a sensor every few seconds. So that a dead leader is replaced at once, a tick does not look
once: it watches for a while, in small steps, and ends the moment something has to be done. Who leads and who stands by it
reads from PostgreSQL's locks, which nothing can disagree with.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import dagster as dg

from eventpulse.database.connect import open_engine
from eventpulse.database.leadership import Contender, contenders
from eventpulse.errors import SettingsError
from eventpulse.settings import load_settings
from pipelines.jobs import DRAIN_JOB, drain_stream

WATCH_SECONDS = 50.0
STEP_SECONDS = 0.25
#: How long a run may take from its launch to standing in the queue for the lock.
GRACE = timedelta(seconds=45)
WANTED = 2
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


class Lack(StrEnum):
    """Why another run is wanted."""

    NO_LEADER = "nobody leads"
    NO_STANDBY = "nobody stands by"


@dataclass(frozen=True)
class DrainRunSeen:
    """A drain run as Dagster knows it."""

    run_id: str
    created_at: datetime


@dataclass(frozen=True)
class Verdict:
    """What to do: start a run and why, and which runs died without telling Dagster."""

    lack: Lack | None
    died: tuple[str, ...]


def judge_drains(
    contending: Sequence[Contender], unfinished: Sequence[DrainRunSeen], *, now: datetime, grace: timedelta = GRACE
) -> Verdict:
    """Compare who is in the queue for the lock with the runs Dagster believes in.

    A run that is not in the queue is on its way while it is younger than `grace`, and dead after that.
    """
    present = {contender.run_id for contender in contending}
    absent = [run for run in unfinished if run.run_id not in present]
    died = tuple(run.run_id for run in absent if now - run.created_at > grace)
    on_their_way = len(absent) - len(died)
    if len(present) + on_their_way >= WANTED:
        return Verdict(None, died)
    return Verdict(Lack.NO_STANDBY if any(each.leads for each in contending) else Lack.NO_LEADER, died)


@dg.sensor(
    target=drain_stream,
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Keeps one drain run leading and one standing by.",
)
def drain_keeper(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Watch, and ask for a run when one is missing."""
    url = load_settings().database_url
    if url is None:
        raise SettingsError("DATABASE_URL is not known. Is `eventpulse up` running?")
    engine = open_engine(url.get_secret_value(), application="eventpulse drain keeper", pool_size=1)
    try:
        deadline = time.monotonic() + WATCH_SECONDS
        while time.monotonic() < deadline:
            contending = contenders(engine, shard=0)
            # Dagster is asked only where the lock's queue is short; that keeps watching cheap.
            if len(contending) < WANTED:
                verdict = judge_drains(contending, _unfinished(context.instance), now=datetime.now(UTC))
                for run_id in verdict.died:
                    _report_death(context, run_id)
                if verdict.lack is not None:
                    return dg.RunRequest(tags={"eventpulse/why": verdict.lack.value})
            time.sleep(STEP_SECONDS)
    finally:
        engine.dispose()
    return dg.SkipReason("One drain leads and one stands by.")


def _unfinished(instance: dg.DagsterInstance) -> list[DrainRunSeen]:
    records = instance.get_run_records(dg.RunsFilter(job_name=DRAIN_JOB, statuses=_UNFINISHED), limit=20)
    return [DrainRunSeen(record.dagster_run.run_id, record.create_timestamp.astimezone(UTC)) for record in records]


def _report_death(context: dg.SensorEvaluationContext, run_id: str) -> None:
    run = context.instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        context.instance.report_run_failed(
            run, message="The run's process is gone: its connection to PostgreSQL no longer exists."
        )
        context.log.warning(f"Drain run {run_id} had died; it is marked as failed.")
