"""The WebSocket: a text message for each new anomaly. The server's pings (every 30 s) keep it open."""

import asyncio

from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from ingest_api.dependencies import Live
from ingest_api.live import Listener

TRY_AGAIN_LATER = 1013
_PATIENCE_SECONDS = 5.0

router = APIRouter()


@router.websocket("/ws")
async def live_anomalies(websocket: WebSocket, live: Live) -> None:
    """Send every anomaly to one client until it leaves. A client that reads too slowly is closed with code 1013."""
    await websocket.accept()
    with live.listener() as listener:
        sending = asyncio.create_task(_send_all(websocket, listener))
        leaving = asyncio.create_task(_until_it_leaves(websocket))
        falling_behind = asyncio.create_task(listener.fell_behind.wait())
        tasks = {sending, leaving, falling_behind}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    if listener.fell_behind.is_set():
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await websocket.close(TRY_AGAIN_LATER, "You read too slowly; GET /api/v1/anomalies has what you missed.")


async def _send_all(websocket: WebSocket, listener: Listener) -> None:
    while True:
        await websocket.send_text(await listener.next())


async def _until_it_leaves(websocket: WebSocket) -> None:
    try:
        while True:
            await websocket.receive()
    except (WebSocketDisconnect, RuntimeError):
        return
