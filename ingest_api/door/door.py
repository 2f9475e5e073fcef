"""The door: every request passes here first, and is let in or told why not. No body is read, no server is asked.

1. Where keys are not needed (on loopback, unless settings ask for them), a request must call this machine by one of its
   own names, and must not have come through a proxy.
2. A change, and a WebSocket, must not come from a page of somebody else.
3. Where keys are needed, it carries a key or a session that opens what its route needs (scopes.py).
4. Its client has not sent more than it may.
"""

import time
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope as Connection, Send

from eventpulse.loopback import is_loopback
from eventpulse.settings import Settings
from ingest_api.answers import error_answer
from ingest_api.door.credentials import Admission, identify, shows_key, still_holds
from ingest_api.door.origin import comes_from_elsewhere, is_a_change, is_our_name
from ingest_api.door.rate_limits import AllowancesByAddress
from ingest_api.door.refusals import (
    NotLetIn,
    cannot_be_checked,
    from_elsewhere,
    key_unknown,
    no_key,
    not_our_name,
    opens_too_little,
    through_a_proxy,
    too_much,
)
from ingest_api.door.scopes import NEEDS, OPEN, ScopesByPath
from ingest_api.door.security_headers import RAW_SECURITY_HEADERS
from ingest_api.door.socket_watch import serve_while

_OF_INTEREST = frozenset(
    {b"host", b"origin", b"sec-fetch-site", b"authorization", b"cookie", b"forwarded", b"x-forwarded-for"}
)
_PROXIES_SAY = (b"forwarded", b"x-forwarded-for")


def add_door(app: FastAPI, settings: Settings) -> None:
    """Put the door in front of the app."""
    app.add_middleware(Door, settings=settings)
    app.add_exception_handler(NotLetIn, _not_let_in)


class Door:
    """ASGI middleware around the whole app. A request that is let in finds its `admission` in its state."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._scopes = ScopesByPath(NEEDS)
        self._keys_needed = settings.keys_needed
        self._trusted = settings.hosts_trusted
        self._addresses = AllowancesByAddress(settings.requests_per_second, settings.events_per_second)

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] == "http":
            send = _with_security_headers(send)
        try:
            admission = self._let_in(scope)
        except NotLetIn as refusal:
            await error_answer(str(refusal), refusal.status, refusal.headers)(scope, receive, send)
            return
        state = scope["state"]
        state["admission"] = admission
        if scope["type"] == "websocket" and admission.known is not None:
            keys, watch = state["keys"], state["key_watch"]
            await serve_while(lambda: still_holds(admission, keys), watch.next_look, self._app, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _let_in(self, scope: Connection) -> Admission:
        headers = {name: value for name, value in scope["headers"] if name in _OF_INTEREST}
        method = scope.get("method", "WEBSOCKET")
        keys_needed = self._needs_key(scope)

        if not keys_needed:
            if not is_our_name(headers.get(b"host")):
                raise not_our_name()
            if any(name in headers for name in _PROXIES_SAY):
                raise through_a_proxy()
        if is_a_change(method) and not shows_key(headers) and self._comes_from_elsewhere(headers):
            raise from_elsewhere()

        needed = self._scopes.needed(method, scope["path"].removeprefix(scope.get("root_path", "")))
        if needed is OPEN:
            return Admission(keys_needed=keys_needed)
        now = time.monotonic()
        if keys_needed:
            admission = _admission(headers, needed, scope["state"])
        else:
            admission = Admission(allowance=self._addresses.of(_client(scope), now), keys_needed=False)
        if admission.allowance is not None and (refusal := admission.allowance.refuse(now)):
            raise too_much(refusal)
        return admission

    def _needs_key(self, scope: Connection) -> bool:
        """Whether settings ask for keys, or this request has reached us from another machine whatever they say."""
        if self._keys_needed:
            return True
        server = scope.get("server")
        return server is None or not is_loopback(server[0])

    def _comes_from_elsewhere(self, headers: Mapping[bytes, bytes]) -> bool:
        return comes_from_elsewhere(
            headers.get(b"origin"), headers.get(b"sec-fetch-site"), headers.get(b"host"), self._trusted
        )


async def _not_let_in(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, NotLetIn)
    return error_answer(str(refusal), refusal.status, refusal.headers)


def _admission(headers: Mapping[bytes, bytes], needed: str, state: Mapping[str, Any]) -> Admission:
    keys = state["keys"]
    admission = identify(headers, keys, state["sessions"])
    if admission is not None and needed in admission.opens:
        return admission
    if not keys.complete:
        state["key_watch"].want()
        raise cannot_be_checked() if headers.keys() & {b"authorization", b"cookie"} else no_key()
    if admission is not None:
        raise opens_too_little(needed)
    raise key_unknown() if shows_key(headers) else no_key()


def _client(scope: Connection) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _with_security_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *RAW_SECURITY_HEADERS]
        await send(message)

    return send_with_headers
