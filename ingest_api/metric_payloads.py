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
