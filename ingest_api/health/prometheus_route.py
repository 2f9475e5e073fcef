"""The page that Prometheus scrapes."""

from fastapi import APIRouter
from prometheus_client import generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ingest_api.answers import documented

router = APIRouter(tags=["health"])
_TEXT = "text/plain; version=0.0.4; charset=utf-8"


@router.get(
    "/metrics",
    response_class=Response,
    responses={**documented(500), 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def show_instruments(request: Request) -> Response:
    """Counters and gauges in Prometheus' text format. What the servers say is up to a few seconds old."""
    state = request.scope["state"]
    instruments = state["instruments"]
    instruments.observed = await state["observations"].latest()
    page = await run_in_threadpool(generate_latest, instruments.registry)
    return Response(page, media_type=_TEXT)
