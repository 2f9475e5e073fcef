"""Receivers of messages on loopback that behave as they are told: HTTP servers and a real SMTP server."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

from eventpulse.embedded.ports import choose_free_port

#: What a receiver does with one request: a status, with headers perhaps; `hang` or `close` say the rest.
Behaviour = int | tuple[int, dict[str, str]] | str


@dataclass(frozen=True)
class Received:
    """One request, whatever it was answered with."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class HttpReceiver:
    """What came in. `script` is worked off, one behaviour for each request; after its end, all is 200."""

    port: int
    script: list[Behaviour] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook/s3cr3t-token-of-this-hook"

    @property
    def keys(self) -> list[str]:
        """The idempotency key of each request."""
        return [each.headers.get("idempotency-key", "") for each in self.received]


@contextmanager
def http_receiver(*script: Behaviour) -> Iterator[HttpReceiver]:
    """A server that takes POST requests."""
    receiver = HttpReceiver(0, list(script))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, headers, body, time.monotonic()))
            behaviour = receiver.script.pop(0) if receiver.script else 200
            if behaviour == "hang":
                receiver.released.wait(60)
                return
            if behaviour == "close":
                self.connection.close()
                return
            status, more = behaviour if isinstance(behaviour, tuple) else (int(behaviour), {})
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError, ValueError):  # the client or this receiver has hung up
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Mailbox:
    """The mails that came in, read as a mail program would."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    refuse: str | None = None

    @property
    def url(self) -> str:
        return f"mailto://127.0.0.1:{self.port}?from=eventpulse@example.com&to=ada@example.com"


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """A real SMTP server."""
    box = Mailbox(choose_free_port())

    class Handler:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            if box.refuse:
                return box.refuse
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            box.mails.append(mail)
            return "250 taken"

    controller = Controller(Handler(), hostname="127.0.0.1", port=box.port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


def wait_for(holds: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def texts_of(mail: EmailMessage) -> Sequence[str]:
    """The plain text and the HTML of a mail."""
    parts = [mail.get_body((kind,)) for kind in ("plain", "html")]
    return ["" if part is None else part.get_content() for part in parts]
