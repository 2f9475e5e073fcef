"""What the probes answer, as the OpenAPI document tells it."""

from datetime import datetime
from typing import Literal

from ingest_api.payloads import Answer


class Health(Answer):
    """`worker` speaks of the drain that leads now; `unknown` = no heartbeat."""

    status: Literal["ok", "degraded"]
    redis: Literal["PONG", "unreachable"]
    worker: Literal["ok", "degraded", "unknown"]
    worker_heartbeat_at: datetime | None
    worker_lag_seconds: float | None
    dagster_run_id: str | None


class Ready(Answer):
    """Whether this process can do its work."""

    status: Literal["ok", "unavailable"]
    redis: Literal["ok", "unreachable"]
    database: Literal["ok", "unreachable"]


class Live(Answer):
    """This process answers."""

    status: Literal["ok"]
