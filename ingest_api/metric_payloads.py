"""What GET /metrics answers, as the OpenAPI document tells it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from ingest_api.payloads import Answer


class Metric(Answer):
    """Events of one type, or of one source."""

    key: str
    count: int
    rate_per_sec: float


class Metrics(Answer):
    """Events whose timestamp lies between `from` and `to`, both included; most frequent first."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    window_seconds: int
    group_by: Literal["event_type", "source"]
    from_: Annotated[datetime, Field(alias="from")]
    to: datetime
    metrics: list[Metric]


class MetricSeries(Answer):
    """Events of one key; `counts` has one number for each bucket."""

    key: str
    total: int
    counts: list[int]


class OtherSeries(Answer):
    """Events of all the keys that have no series of their own."""

    keys: Annotated[int, Field(description="How many keys these are.")]
    total: int
    counts: list[int]


class MetricsOverTime(Answer):
    """Bucket number i begins `bucket_seconds` times i after `from`. All buckets are whole, so `from` and `to` may lie
    further out than what was asked for."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_: Annotated[datetime, Field(alias="from")]
    to: Annotated[datetime, Field(description="Behind the last bucket.")]
    bucket_seconds: int
    buckets: Annotated[int, Field(ge=1, le=2_000)]
    group_by: Literal["event_type", "source"]
    series: Annotated[list[MetricSeries], Field(description="Most frequent first.")]
    other: OtherSeries
