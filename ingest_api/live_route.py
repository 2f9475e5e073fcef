"""The WebSocket: a text message for each new anomaly, and for what else a client asks for with `?types=`. The
server's pings keep it open."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from ingest_api.dependencies import Live
from ingest_api.live import ANOMALIES_ALONE, CHANNELS, Listener

TRY_AGAIN_LATER = 1013
NOT_UNDERSTOOD = 1008
_PATIENCE_SECONDS = 5.0

router = APIRouter()


@router.websocket("/ws")
async def live_anomalies(websocket: WebSocket, live: Live) -> None:
    """Send every anomaly, or what else it asks for, to one client until it leaves. A client that reads too slowly is
    closed with code 1013, one that asks for what there is not with 1008."""
    await websocket.accept()
    asked = websocket.query_params.get("types")
    types = frozenset(asked.split(",")) if asked else ANOMALIES_ALONE
    if not types <= CHANNELS.keys():
        await websocket.close(NOT_UNDERSTOOD, f"types must be some of: {', '.join(CHANNELS)}")
        return
    with live.listener(types) as listener:
        await _until_the_first_ends(
            lambda: _send_all(websocket, listener),
            lambda: _until_it_leaves(websocket),
            listener.fell_behind.wait,
        )
    if listener.fell_behind.is_set():
        with anyio.move_on_after(_PATIENCE_SECONDS), suppress(WebSocketDisconnect, RuntimeError):
            await websocket.close(TRY_AGAIN_LATER, "You read too slowly; GET /api/v1/anomalies has what you missed.")


async def _until_the_first_ends(*works: Callable[[], Awaitable[object]]) -> None:
    async with anyio.create_task_group() as together:

        async def work_and_end_all(work: Callable[[], Awaitable[object]]) -> None:
            await work()
            together.cancel_scope.cancel()

        for work in works:
            together.start_soon(work_and_end_all, work)


async def _send_all(websocket: WebSocket, listener: Listener) -> None:
    with suppress(WebSocketDisconnect):
        while True:
            await websocket.send_text(await listener.next())


async def _until_it_leaves(websocket: WebSocket) -> None:
    message = await websocket.receive()
    while message["type"] != "websocket.disconnect":
        message = await websocket.receive()
