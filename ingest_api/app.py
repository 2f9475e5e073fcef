"""The HTTP application: what it consists of, and what lives as long as it does."""

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig

from eventpulse.database.connect import open_engine
from eventpulse.errors import SettingsError
from eventpulse.settings import Settings, load_settings
from eventpulse.stream.backlog_limit import BacklogLimit
from eventpulse.stream.connect import open_async_redis, open_redis
from eventpulse.stream.publisher import Publisher
from eventpulse.stream.shards import shards_of
from ingest_api import anomaly_routes, audit_routes, event_routes, ledger_routes, live_route, metric_routes
from ingest_api.alerts import alert_routes, alert_wish_routes
from ingest_api.answers import answer_errors_as_json
from ingest_api.dashboard import dashboard_routes, overview_routes
from ingest_api.dead_letters import dead_letter_routes, redrive_routes
from ingest_api.dependencies import AppState
from ingest_api.door import session_routes
from ingest_api.door.door import add_door
from ingest_api.door.key_watch import KeyWatch
from ingest_api.door.keys import KnownKeys
from ingest_api.door.session import Sessions
from ingest_api.health import health_routes, prometheus_route
from ingest_api.health.http_meter import Metered
from ingest_api.health.observations import Observations
from ingest_api.health.prometheus import Instruments
from ingest_api.intake.ingest_routes import add_ingest_routes
from ingest_api.live import LiveAnomalies
from ingest_api.notifications import channel_routes, delivery_routes, inhibition_routes, sending_routes, silence_routes
from ingest_api.openapi import complete_openapi
from ingest_api.rule_book import (
    backtest_routes,
    rule_draft_routes,
    rule_routes,
    rule_state_routes,
    rule_text_routes,
    series_routes,
)

BASE = "/api/v1"
CONNECTIONS_TO_POSTGRESQL = 10
# FastAPI would look for an OpenTelemetry SDK with each request, which takes a fifth of its time.
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
_log = logging.getLogger(__name__)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application. It starts and answers also while Redis or PostgreSQL are away.

    Raises SettingsError where it does not know their addresses.
    """
    known = settings or load_settings()
    if known.redis_url is None or known.database_url is None:
        raise SettingsError("DATABASE_URL and REDIS_URL are not set. `eventpulse up` starts both servers and the API.")

    app = FastAPI(
        title="EventPulse",
        version="1",
        description="Events over HTTP, kept, and watched by rules. Every error is JSON with `error`.",
        lifespan=lifespan_of(known),
        redirect_slashes=False,
        telemetry=None if "FASTAPI_OTEL_AUTO_CONFIGURE" in os.environ else _NO_TELEMETRY,
    )
    add_ingest_routes(app.router, known)
    api = APIRouter(prefix=BASE)
    for routes in (
        health_routes,
        event_routes,
        anomaly_routes,
        alert_routes,
        alert_wish_routes,
        ledger_routes,
        audit_routes,
        dead_letter_routes,
        redrive_routes,
        rule_state_routes,  # before the routes with an id in its place
        rule_routes,
        rule_draft_routes,
        rule_text_routes,
        backtest_routes,
        series_routes,
        metric_routes,
        channel_routes,
        silence_routes,
        inhibition_routes,
        delivery_routes,
        sending_routes,
        overview_routes,
        live_route,
        session_routes,
    ):
        api.include_router(routes.router)
    app.include_router(api)
    app.include_router(health_routes.probes)
    app.include_router(health_routes.probes, prefix=BASE, include_in_schema=False)
    app.include_router(live_route.router)
    app.include_router(prometheus_route.router)
    app.include_router(dashboard_routes.router)
    answer_errors_as_json(app)
    add_door(app, known)
    app.add_middleware(Metered)
    complete_openapi(app, known)
    return app


def lifespan_of(settings: Settings) -> Callable[[FastAPI], AbstractAsyncContextManager[AppState]]:
    """What an application has while it runs: its connections, what it counts, and the tasks beside the requests."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[AppState]:
        async with _living(settings) as state:
            yield state

    return lifespan


@asynccontextmanager
async def _living(settings: Settings) -> AsyncIterator[AppState]:
    assert settings.redis_url is not None and settings.database_url is not None
    redis_url = settings.redis_url.get_secret_value()
    engine = open_engine(
        settings.database_url.get_secret_value(), application="eventpulse api", pool_size=CONNECTIONS_TO_POSTGRESQL
    )
    # The publisher has a client of its own: a slow question by somebody else must not hold up a write.
    writer, client = open_async_redis(redis_url), open_async_redis(redis_url)
    blocking_client = open_redis(redis_url)
    backlog = BacklogLimit(
        client,
        most_events=settings.backlog_events,
        most_bytes=settings.backlog_bytes,
        shards=shards_of(settings.shards),
    )
    publisher = Publisher(writer, shards=settings.shards, refuse_when_full=backlog.refuse_when_full)
    instruments = Instruments()
    instruments.backlog = backlog
    noted = instruments.micro_batch_seconds.observe
    observations = Observations(engine, blocking_client, noted, shards=settings.shards)
    live = LiveAnomalies(client)
    keys = KnownKeys(requests_per_second=settings.requests_per_second, events_per_second=settings.events_per_second)
    key_watch = KeyWatch(keys, engine, client)
    tasks = [_started(backlog.watch()), _started(live.listen()), _started(key_watch.watch())]
    try:
        if settings.keys_needed:
            await key_watch.begin()
        with _rare_garbage_collection():
            yield AppState(
                settings=settings,
                engine=engine,
                redis=client,
                blocking_redis=blocking_client,
                publisher=publisher,
                live=live,
                instruments=instruments,
                observations=observations,
                keys=keys,
                key_watch=key_watch,
                sessions=Sessions(settings),
            )
    finally:
        await publisher.close()
        await _end(tasks)
        await key_watch.close()
        await observations.close()
        await writer.aclose()
        await client.aclose()
        blocking_client.close()
        engine.dispose()


def _started(work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    task = asyncio.create_task(work, name=getattr(work, "__qualname__", None))
    task.add_done_callback(_report)
    return task


def _report(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (fault := task.exception()) is not None:
        _log.error("%s has ended and will not come back before a restart.", task.get_name(), exc_info=fault)


async def _end(tasks: list["asyncio.Task[None]"]) -> None:
    # While redis-py 8.1 opens a connection, a cancellation can be lost in it (November 2026): one is not enough.
    ending: set[asyncio.Task[None]] = set(tasks)
    while ending:
        for task in ending:
            task.cancel()
        _, ending = await asyncio.wait(ending, timeout=0.1)


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """Leave what start-up made out of every collection, and collect rarely: p99 of ingestion falls to a third."""
    threshold = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
        gc.unfreeze()
