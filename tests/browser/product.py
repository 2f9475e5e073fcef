"""The product as a browser meets it: the API on a port, and a drain that takes what comes, in threads of a test."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx2
import uvicorn
from pydantic import SecretStr

from eventpulse.clock import utc_now
from eventpulse.embedded.ports import choose_free_port
from eventpulse.settings import Settings
from ingest_api.app import create_app
from ingest_api.door.connection import connections
from tests.at_the_door import until
from tests.draining import a_drain


class Product:
    """A running EventPulse. Its API can be stopped and started again at the same address; the drain goes on."""

    def __init__(self, database_url: str, redis_url: str, **changes: Any) -> None:
        self.database_url = database_url
        self.redis_url = redis_url
        self._settings = Settings(
            _env_file=None, database_url=SecretStr(database_url), redis_url=SecretStr(redis_url), **changes
        )
        self._port = choose_free_port()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.address = f"http://127.0.0.1:{self._port}"

    def page(self, path: str = "/") -> str:
        """The address of a page of the dashboard."""
        return f"{self.address}/dashboard#{path}"

    def start_api(self) -> None:
        """Serve, until `stop_api`."""
        self._server = uvicorn.Server(
            uvicorn.Config(
                create_app(self._settings),
                port=self._port,
                http=connections(request_seconds=self._settings.request_seconds),
                log_level="error",
                access_log=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        until(lambda: self._server is not None and self._server.started)

    def stop_api(self) -> None:
        """End it; open connections are cut."""
        assert self._server is not None and self._thread is not None
        self._server.should_exit = True
        self._thread.join()

    def send(self, *events: Mapping[str, Any]) -> list[str]:
        """Send events over HTTP, now where they name no time; returns their ids."""
        usual = {"event_type": "tick", "source": "tests", "timestamp": utc_now().isoformat()}
        body = [{**usual, "event_id": str(uuid4()), **event} for event in events]
        answer = httpx2.post(f"{self.address}/api/v1/events/batch", json=body, timeout=30)
        assert answer.status_code == 202, answer.text
        ids: list[str] = answer.json()["event_ids"]
        return ids

    def stored(self, ids: Iterable[str]) -> bool:
        """Whether all of these events can be read."""
        return all(
            httpx2.get(f"{self.address}/api/v1/events/{event_id}", timeout=30).status_code == 200 for event_id in ids
        )


@contextmanager
def running_product(database_url: str, redis_url: str, **changes: Any) -> Iterator[Product]:
    """The product for the length of a block."""
    product, over = Product(database_url, redis_url, **changes), threading.Event()

    def drain_for_ever() -> None:
        with a_drain(database_url, redis_url, run_id="a-run-of-the-drain") as drain:
            drain.drain.finish_what_was_left()
            while not over.is_set():
                drain.drain.step()

    draining = threading.Thread(target=drain_for_ever)
    draining.start()
    product.start_api()
    try:
        yield product
    finally:
        product.stop_api()
        over.set()
        draining.join()
