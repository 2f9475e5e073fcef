"""What the probes answer, as the OpenAPI document tells it."""

from datetime import datetime
from typing import Literal

from ingest_api.payloads import Answer


class ShardHealth(Answer):
    """The drain that leads one of several shards."""

    shard: int
    worker: Literal["ok", "degraded", "unknown"]
    worker_heartbeat_at: datetime | None
    worker_lag_seconds: float | None
    dagster_run_id: str | None


class Health(Answer):
    """`worker` speaks of the drain that leads now; `unknown` = no heartbeat. With several shards it speaks of the one
    that is least well, and `shards` of each."""

    status: Literal["ok", "degraded"]
    redis: Literal["PONG", "unreachable"]
    worker: Literal["ok", "degraded", "unknown"]
    worker_heartbeat_at: datetime | None
    worker_lag_seconds: float | None
    dagster_run_id: str | None
    shards: list[ShardHealth] | None = None


class Ready(Answer):
    """Whether this process can do its work."""

    status: Literal["ok", "unavailable"]
    redis: Literal["ok", "unreachable"]
    database: Literal["ok", "unreachable"]


class Live(Answer):
    """This process answers."""

    status: Literal["ok"]
