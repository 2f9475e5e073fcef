"""How many events arrived lately, and over time."""

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter
from starlette.responses import Response

from eventpulse.clock import iso_utc, utc_now
from eventpulse.database.events.metric_queries import count_events
from eventpulse.database.events.metric_series import buckets_between, count_in_buckets
from eventpulse.database.transactions import reading
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import Database
from ingest_api.metric_payloads import Metrics, MetricsOverTime
from ingest_api.parameters import BucketSeconds, EventType, From, GroupBy, MostKeys, Source, To, WindowSeconds, in_order

MOST_BUCKETS = 2_000
_DEFAULT_STRETCH = timedelta(hours=1)
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)

router = APIRouter(prefix="/metrics", tags=["metrics"])


def charted(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    """The stretch of a chart: the last hour before its end, which is now, where nothing else is asked for."""
    until = until or utc_now()
    since = since or until - min(_DEFAULT_STRETCH, until - _EARLIEST)
    in_order(since, until)
    return since, until


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


@router.get("/series", response_model=MetricsOverTime, responses=documented(400, 500, 503))
def show_series(
    database: Database,
    since: From = None,
    until: To = None,
    bucket_seconds: BucketSeconds = 60,
    group_by: GroupBy = "event_type",
    top: MostKeys = 8,
    event_type: EventType = None,
    source: Source = None,
) -> Response:
    """Counts over event time for charts: by minute or in longer buckets, the last hour where nothing else is asked for.

    At most 2,000 buckets: where `bucket_seconds` would make more, longer ones are used, and the answer says which.
    """
    since, until = charted(since, until)
    buckets = buckets_between(since, until, bucket_seconds, most=MOST_BUCKETS)
    with reading(database) as connection:
        counted = count_in_buckets(
            connection, buckets, group_by=group_by, most_keys=top, event_type=event_type, source=source
        )
    return json_answer(
        {
            "from": iso_utc(buckets.start),
            "to": iso_utc(buckets.end),
            "bucket_seconds": buckets.minutes * 60,
            "buckets": buckets.count,
            "group_by": group_by,
            "series": [{"key": each.key, "total": sum(each.counts), "counts": each.counts} for each in counted.series],
            "other": {"keys": counted.other_keys, "total": sum(counted.other), "counts": counted.other},
        }
    )
