"""What Dagster starts by the clock."""

from collections.abc import Iterator
from datetime import UTC, timedelta

import dagster as dg

from assets.history import history_connection
from eventpulse.database.anomalies.audits import days_to_audit
from eventpulse.settings import load_settings
from pipelines.history_jobs import audit

#: Days further back are audited only when somebody asks for it.
LOOK_AT_DAYS = 30
#: So many days at most are audited each night, the oldest first.
MOST_DAYS = 10


@dg.schedule(
    job=audit,
    cron_schedule="20 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Audits each closed day that has not been audited since something of it was stored or evaluated.",
)
def audit_closed_days(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One run for each day; today is not over yet."""
    today = context.scheduled_execution_time.astimezone(UTC).date()
    with history_connection(load_settings(), "schedule") as connection:
        days = days_to_audit(connection, today - timedelta(days=LOOK_AT_DAYS), today)
    if not days:
        yield dg.SkipReason("Every closed day has been audited.")
    for day in days[:MOST_DAYS]:
        yield dg.RunRequest(
            run_key=f"{day} on {today}", partition_key=day.isoformat(), tags={"eventpulse/history": "read"}
        )
