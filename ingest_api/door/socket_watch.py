"""Close a WebSocket when what it was let in with holds no longer: its key is revoked, its session has ended."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

NO_LONGER_LET_IN = 1008  # RFC 6455: policy violation


async def serve_while(
    holds: Callable[[], bool],
    next_look: Callable[[], Awaitable[None]],
    app: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Send,
) -> None:
    """Serve a WebSocket as long as `holds()`; it is asked again after each `next_look()`. The app sees it leave."""
    over = asyncio.create_task(_until_it_ends(holds, next_look))

    async def receive_or_leave() -> Message:
        receiving = asyncio.ensure_future(receive())
        try:
            await asyncio.wait({receiving, over}, return_when=asyncio.FIRST_COMPLETED)
            if receiving.done():
                return receiving.result()
        finally:
            receiving.cancel()
        await send({"type": "websocket.close", "code": NO_LONGER_LET_IN, "reason": "The API key holds no longer"})
        return {"type": "websocket.disconnect", "code": NO_LONGER_LET_IN}

    try:
        await app(scope, receive_or_leave, send)
    finally:
        over.cancel()


async def _until_it_ends(holds: Callable[[], bool], next_look: Callable[[], Awaitable[None]]) -> None:
    while holds():
        await next_look()
