"""Say whether this process, Redis, PostgreSQL and the drain are well. Every answer comes within two seconds."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import anyio.to_thread
import msgspec
from fastapi import APIRouter
from redis.exceptions import RedisError
from sqlalchemy import Engine, text
from starlette.responses import Response

from eventpulse.clock import iso_utc, utc_now
from eventpulse.database.transactions import reading
from eventpulse.errors import DatabaseUnavailable
from eventpulse.stream.shards import shards_of
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import Database, Redis, TheSettings
from ingest_api.health.health_payloads import Health, Live, Ready

ANSWER_WITHIN_SECONDS = 1.5
#: The drain writes its heartbeat every second; an older one, or events that wait longer than this, is no good health.
OLDEST_HEARTBEAT_SECONDS = 3.0
LONGEST_LAG_SECONDS = 10.0
_ILLNESS = ("ok", "degraded", "unknown")

router = APIRouter(tags=["health"])
probes = APIRouter(tags=["health"])


class Heartbeat(msgspec.Struct, frozen=True):
    """What the leading drain says of itself."""

    heartbeat_at: Annotated[datetime, msgspec.Meta(tz=True)]
    run_id: str | None = None
    lag_seconds: float | None = None


@router.get("/events/health", response_model=Health, responses=documented(500, s503=Health))
async def show_health(redis: Redis, settings: TheSettings) -> Response:
    """Redis, and the drain that leads now. 503: Redis cannot be reached, so no event can be taken."""
    shards = shards_of(settings.shards)
    try:
        async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
            await redis.ping()
            said: Any = await redis.mget([shard.health for shard in shards])
    except (RedisError, OSError, TimeoutError):
        return json_answer({"status": "degraded", "redis": "unreachable", **_workers([None] * len(shards))}, 503)
    return json_answer({"status": "ok", "redis": "PONG", **_workers(said)})


@probes.get("/livez", response_model=Live)
async def answers() -> Response:
    """This process answers. It says nothing of Redis and PostgreSQL, which a restart would not mend."""
    return json_answer({"status": "ok"})


@probes.get("/readyz", response_model=Ready, responses=documented(s503=Ready))
async def is_ready(redis: Redis, database: Database) -> Response:
    """Redis and PostgreSQL can be reached from here."""
    redis_answers, database_answers = await asyncio.gather(_in_time(redis.ping()), _in_time(_asked(database)))
    ready = redis_answers and database_answers
    content = {
        "status": "ok" if ready else "unavailable",
        "redis": "ok" if redis_answers else "unreachable",
        "database": "ok" if database_answers else "unreachable",
    }
    return json_answer(content, 200 if ready else 503)


def _workers(said: Sequence[bytes | None]) -> dict[str, Any]:
    """What is said of the one drain, or of the one among several that is least well, and then of each."""
    now = utc_now()
    each = [_worker(one, now) for one in said]
    worst = max(each, key=lambda one: (_ILLNESS.index(one["worker"]), one["worker_lag_seconds"] or 0.0))
    if len(each) == 1:
        return worst
    return {**worst, "shards": [{"shard": number, **one} for number, one in enumerate(each, 1)]}


def _worker(said: bytes | None, now: datetime) -> dict[str, Any]:
    heartbeat = _read_heartbeat(said)
    if heartbeat is None:
        return {"worker": "unknown", "worker_heartbeat_at": None, "worker_lag_seconds": None, "dagster_run_id": None}
    silent = (now - heartbeat.heartbeat_at).total_seconds() > OLDEST_HEARTBEAT_SECONDS
    behind = (heartbeat.lag_seconds or 0.0) > LONGEST_LAG_SECONDS
    return {
        "worker": "degraded" if silent or behind else "ok",
        "worker_heartbeat_at": iso_utc(heartbeat.heartbeat_at),
        "worker_lag_seconds": heartbeat.lag_seconds,
        "dagster_run_id": heartbeat.run_id,
    }


def _read_heartbeat(said: bytes | None) -> Heartbeat | None:
    try:
        return msgspec.json.decode(said, type=Heartbeat) if said else None
    except msgspec.DecodeError:
        return None


async def _asked(engine: Engine) -> None:
    def ask() -> None:
        with reading(engine) as connection:
            connection.execute(text("select 1"))

    await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)  # PostgreSQL may never answer


async def _in_time(question: Any) -> bool:
    try:
        async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
            await question
    except (RedisError, DatabaseUnavailable, OSError, TimeoutError):
        return False
    return True
