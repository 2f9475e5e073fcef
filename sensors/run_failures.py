"""Makes an event of each run that failed, so that ordinary rules can alert on it: `eventpulse.run_failed`."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

import dagster as dg

from eventpulse.settings import Settings, load_settings
from eventpulse.stream.connect import open_redis
from eventpulse.stream.own_events import accept_own_event

EVENT_TYPE = "eventpulse.run_failed"
_IDS = UUID("5a5d6d2e-3c0b-4c7e-9d0c-6f0d7c1b4d11")
_LONGEST_MESSAGE = 2_000


@dg.run_failure_sensor(
    name="run_failures",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=f"Makes an event `{EVENT_TYPE}` of each run that failed; rules can alert on it as on any other.",
)
def run_failures(context: dg.RunFailureSensorContext) -> None:
    """Once for each run: told twice, it would be a duplicate."""
    settings = load_settings()
    run = context.dagster_run
    with open_redis(settings.redis_address()) as client:
        accept_own_event(
            client,
            EVENT_TYPE,
            payload(settings, run, context.failure_event.message or ""),
            event_id=uuid5(_IDS, run.run_id),
            at=datetime.now(UTC),
            shards=settings.shards,
        )


def payload(settings: Settings, run: dg.DagsterRun, message: str) -> dict[str, str | None]:
    """What is said of a run that failed."""
    return {
        "job": run.job_name,
        "run_id": run.run_id,
        "message": message[:_LONGEST_MESSAGE],
        "why_it_was_started": run.tags.get("eventpulse/why"),
        "url": f"{settings.dagster_at}/runs/{run.run_id}",
    }
