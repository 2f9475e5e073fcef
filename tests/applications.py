"""Applications in this process. To make all routes of one takes a third of a second, so they are used again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from eventpulse.settings import Settings
from ingest_api.app import create_app, lifespan_of
from ingest_api.dependencies import AppState

_made: dict[str, FastAPI] = {}
_running: set[str] = set()


def app_with(settings: Settings) -> FastAPI:
    """An application with these settings: it has its own connections, and nothing of the test that had it before."""
    known = settings.model_dump_json(exclude={"database_url", "redis_url", "home"})
    if known in _running:
        return create_app(settings)
    if known not in _made:
        _made[known] = create_app(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[AppState]:
        _running.add(known)
        try:
            async with lifespan_of(settings)(app) as state:
                yield state
        finally:
            _running.remove(known)

    app = _made[known]
    app.router.lifespan_context = lifespan
    app.middleware_stack = None
    return app
