"""How many events arrived lately."""

from datetime import timedelta

from fastapi import APIRouter
from starlette.responses import Response

from eventpulse.clock import iso_utc, utc_now
from eventpulse.database.metric_queries import count_events
from eventpulse.database.transactions import reading
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import Database
from ingest_api.metric_payloads import Metrics
from ingest_api.parameters import EventType, GroupBy, Source, WindowSeconds

router = APIRouter(prefix="/metrics", tags=["metrics"])


@router.get("", response_model=Metrics, responses=documented(400, 500, 503))
def show_metrics(
    database: Database,
    window_seconds: WindowSeconds = 60,
    group_by: GroupBy = "event_type",
    event_type: EventType = None,
    source: Source = None,
) -> Response:
    """Counts and rates of the events whose timestamp lies in the last `window_seconds`."""
    until = utc_now()
    since = until - timedelta(seconds=window_seconds)
    with reading(database) as connection:
        counts = count_events(
            connection, since=since, until=until, group_by=group_by, event_type=event_type, source=source
        )
    return json_answer(
        {
            "window_seconds": window_seconds,
            "group_by": group_by,
            "from": iso_utc(since),
            "to": iso_utc(until),
            "metrics": [
                {"key": key, "count": count, "rate_per_sec": round(count / window_seconds, 4)} for key, count in counts
            ],
        }
    )
