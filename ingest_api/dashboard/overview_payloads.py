"""The shapes of the answers that the overview asks for."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from ingest_api.payloads import Answer


class AnomalyMark(Answer):
    """Anomalies of one severity in bucket number `bucket`, counted from 0."""

    bucket: Annotated[int, Field(ge=0, lt=2_000)]
    severity: Literal["critical", "warning", "info"]
    count: int
    names: Annotated[list[str], Field(description="The rules that found the most of them.", max_length=3)]
    rules: Annotated[int, Field(description="How many rules found them.")]


class AnomaliesOverTime(Answer):
    """Anomalies that stand, over event time. Where there are none, there is no mark."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_: Annotated[datetime, Field(alias="from")]
    to: Annotated[datetime, Field(description="Behind the last bucket.")]
    bucket_seconds: int
    buckets: Annotated[int, Field(ge=1, le=2_000)]
    total: int
    marks: list[AnomalyMark]


class Share(Answer):
    """`matching` of the `looked_at` newest events since `from`."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    from_: Annotated[datetime, Field(alias="from")]
    looked_at: int
    matching: int
