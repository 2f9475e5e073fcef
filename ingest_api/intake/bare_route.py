"""A route that FastAPI documents like any other and then leaves alone.

Its endpoint takes the request and gives a response, without dependencies, parameters or models on the way: under load
these cost more than reading the events does.
"""

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import Receive, Scope, Send


class BareRoute(APIRoute):
    """Its endpoint is `async def (request) -> Response`."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; other methods than ours are refused as everywhere."""
        if self.methods is None or scope["method"] not in self.methods:
            await super().handle(scope, receive, send)
            return
        response = await self.endpoint(Request(scope, receive, send))
        await response(scope, receive, send)
