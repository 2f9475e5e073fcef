"""The API on a real port, with the connections and limits it has in production."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from eventpulse.embedded.ports import choose_free_port
from eventpulse.settings import Settings
from ingest_api.app import create_app
from ingest_api.door.connection import connections
from tests.at_the_door import until


@contextmanager
def over_http(settings: Settings) -> Iterator[str]:
    """The address of the API, served from a thread of this process."""
    port = choose_free_port()
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings),
            port=port,
            http=connections(request_seconds=settings.request_seconds),
            log_level="warning",
            access_log=False,
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started or not thread.is_alive())
        assert server.started
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
