"""Keeps notifications being sent: one run sends, its successor is started before its lease ends, the dead are noticed.

Like `drain_keeper`, a tick watches for most of a minute instead of looking once. Since one process is enough, a second
is wanted only for the end of a lease: it queues for the lock, and the gap is as long as PostgreSQL needs to pass it on.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
from sqlalchemy import Engine

from eventpulse.database.connect import open_engine
from eventpulse.database.leadership import SEND, Contender, contenders
from eventpulse.settings import Settings, load_settings
from pipelines.notification_jobs import SEND_JOB, send_notifications
from sensors.drain_keeper import ASK_DAGSTER_SECONDS, WATCH_SECONDS, recent_runs, report_death
from sensors.drain_verdict import Attendance, DrainRunSeen, judge_drains

STEP_SECONDS = 0.5
#: A successor is started so long before the end of a lease; it takes some seconds to be there.
AHEAD = timedelta(seconds=20)
_ONLY = 0


@dg.sensor(
    target=send_notifications,
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Keeps one run sending notifications, and starts its successor before it ends.",
)
def sender_keeper(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Watch, and ask for a run when one is missing or about to end."""
    settings = load_settings()
    engine = open_engine(settings.database_address(), application="eventpulse keeper of the sender", pool_size=1)
    try:
        return _watch(context, engine, settings)
    finally:
        engine.dispose()


def _watch(context: dg.SensorEvaluationContext, engine: Engine, settings: Settings) -> dg.SensorResult | dg.SkipReason:
    grace, lease = timedelta(seconds=settings.run_start_seconds), timedelta(seconds=settings.lease_seconds)
    attendance = Attendance(seen=set((context.cursor or "").split()), grace=grace)
    deadline = time.monotonic() + WATCH_SECONDS
    asked = 0.0
    while time.monotonic() < deadline:
        if not contenders(engine, _ONLY, SEND) or time.monotonic() - asked >= ASK_DAGSTER_SECONDS:
            asked = time.monotonic()
            runs = recent_runs(context.instance, SEND_JOB)
            present = contenders(engine, _ONLY, SEND)
            now = datetime.now(UTC)
            missing = attendance.look(present, runs, monotonic=time.monotonic(), now=now)
            verdict = judge_drains(present, runs, missing, now=now, wanted=how_many(present, runs, lease, now=now))
            for run_id in verdict.died:
                report_death(context, run_id)
            unfinished = {run.run_id for run in runs if not run.finished}
            context.update_cursor(" ".join(sorted(attendance.seen & unfinished)))
            if verdict.lack is not None:
                return dg.SensorResult([dg.RunRequest(tags={"eventpulse/why": verdict.lack.value})])
        time.sleep(STEP_SECONDS)
    return dg.SkipReason("One run sends notifications.")


def how_many(present: Sequence[Contender], runs: Sequence[DrainRunSeen], lease: timedelta, *, now: datetime) -> int:
    """One run, and one more towards the end of the lease of the one that sends: it led soon after it was created."""
    created = {run.run_id: run.created_at for run in runs}
    leader = next((each.run_id for each in present if each.leads), None)
    since = created.get(leader) if leader is not None else None
    return 2 if since is not None and now - since >= max(lease - AHEAD, lease / 2) else 1
