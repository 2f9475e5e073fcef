"""An HTTP/1.1 client that does next to nothing, so that it is not what is measured."""

import asyncio
from typing import cast
from urllib.parse import urlsplit


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request at a time. Understands answers with Content-Length only."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are of no class of asyncio

    def connection_lost(self, fault: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(fault or ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        lowered = head.lower()
        start = lowered.find(b"content-length:")
        length = int(lowered[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
        if len(body) >= length and self._answer and not self._answer.done():
            self._received = b""
            self._answer.set_result((int(head[9:12]), body))

    @property
    def is_open(self) -> bool:
        """Whether neither side has hung up; servers do so with connections that are idle."""
        return self._transport is not None and not self._transport.is_closing()

    async def request(self, request: bytes) -> tuple[int, bytes]:
        """Send bytes as they are; the status and body of the answer."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Hang up."""
        if self._transport:
            self._transport.close()


async def connect(url: str) -> Connection:
    """A connection to the server of a URL."""
    parts = urlsplit(url)
    _, connection = await asyncio.get_running_loop().create_connection(
        Connection, parts.hostname or "127.0.0.1", parts.port or 80
    )
    return connection


def post_request(url: str, path: str, body: bytes, key: str | None = None) -> bytes:
    """The bytes of a JSON POST."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {urlsplit(url).netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *([f"Authorization: Bearer {key}"] if key else []),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
