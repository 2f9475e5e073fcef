"""One client's connection: how long its request may take to arrive, and how large the head of it may be.

The HTTP server knows no such limits, so a client could hold connections and memory for ever.
"""

from asyncio import TimerHandle, Transport
from http import HTTPStatus
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 64 * 1024


class GuardedConnection(HttpToolsProtocol):
    """Closes itself when a request does not arrive in time. A request that arrives in one piece starts no timer."""

    request_seconds = 60

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._in_head = False
        self._unfinished = True  # a connection is made for a request, and that has not come yet
        self._head_bytes = 0
        self._patience: TimerHandle | None = None
        self._wait_for_the_rest()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The head of the request is too large")
                return
        if self._unfinished:
            self._wait_for_the_rest()

    def on_message_begin(self) -> None:
        self._in_head = self._unfinished = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._unfinished = False
        self._stop_waiting()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._stop_waiting()
        super().handle_websocket_upgrade()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """What the server says where it cannot read the request; as JSON, like every error."""
        self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def _wait_for_the_rest(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(self.request_seconds, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _too_slow(self) -> None:
        begun = self._in_head or (self.cycle is not None and not self.cycle.response_started)
        if begun:
            self._refuse(
                HTTPStatus.REQUEST_TIMEOUT, f"The request did not arrive within {self.request_seconds} seconds"
            )
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, sentence: str) -> None:
        """Answer in place of the app, and close."""
        self._stop_waiting()
        if self.transport.is_closing():
            return
        body = msgspec.json.encode({"error": sentence})
        head = (
            f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
            "x-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


def connections(*, request_seconds: int) -> type[GuardedConnection]:
    """The kind of connection with this patience."""
    attributes: dict[str, Any] = {"request_seconds": request_seconds}
    return type("Connection", (GuardedConnection,), attributes)
