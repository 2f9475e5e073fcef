"""What only the overview of the dashboard asks: anomalies counted for the marks of its chart, and the share of events
that a condition is true for."""

from datetime import timedelta

from fastapi import APIRouter
from starlette.responses import Response

from eventpulse.clock import iso_utc, utc_now
from eventpulse.database.anomalies.anomaly_counts import count_anomalies
from eventpulse.database.events.event_queries import EventFilter, newest_events
from eventpulse.database.events.metric_series import buckets_between
from eventpulse.database.transactions import reading
from ingest_api.answers import documented, json_answer
from ingest_api.dashboard.overview_payloads import AnomaliesOverTime, Share
from ingest_api.dependencies import Database
from ingest_api.event_search import those_that_pass
from ingest_api.metric_routes import MOST_BUCKETS, charted
from ingest_api.parameters import BucketSeconds, EventType, From, Source, To, Where, WindowSeconds
from rules.where.predicate import read_predicate

#: So that asking every few seconds costs next to nothing, however much comes in.
MOST_LOOKED_AT = 2_000

router = APIRouter(prefix="/metrics", tags=["metrics"])


@router.get("/anomalies", response_model=AnomaliesOverTime, responses=documented(400, 500, 503))
def show_anomalies_over_time(
    database: Database, since: From = None, until: To = None, bucket_seconds: BucketSeconds = 60
) -> Response:
    """Anomalies that stand, counted over event time by severity. Buckets are those of `GET /metrics/series`."""
    since, until = charted(since, until)
    buckets = buckets_between(since, until, bucket_seconds, most=MOST_BUCKETS)
    with reading(database) as connection:
        marks = count_anomalies(connection, buckets)
    return json_answer(
        {
            "from": iso_utc(buckets.start),
            "to": iso_utc(buckets.end),
            "bucket_seconds": buckets.minutes * 60,
            "buckets": buckets.count,
            "total": sum(mark.count for mark in marks),
            "marks": marks,
        }
    )


@router.get("/share", response_model=Share, responses=documented(400, 500, 503))
def show_share(
    database: Database,
    where: Where = None,
    window_seconds: WindowSeconds = 300,
    event_type: EventType = None,
    source: Source = None,
) -> Response:
    """For how many of the newest events `where` is true. Looked at are the 2,000 stored last, as far as their timestamp
    lies in the last `window_seconds`."""
    since = utc_now() - timedelta(seconds=window_seconds)
    wanted = EventFilter(event_type, source, since, None)
    with reading(database) as connection:
        rows = newest_events(connection, wanted, limit=MOST_LOOKED_AT)
    matching = rows if where is None else those_that_pass(rows, read_predicate(where))
    return json_answer({"from": iso_utc(since), "looked_at": len(rows), "matching": len(matching)})
