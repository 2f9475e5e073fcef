"""A client that does not read is sent away over a real socket, while another gets everything."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
import redis
import uvicorn
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from eventpulse.embedded.ports import choose_free_port
from eventpulse.settings import Settings
from eventpulse.stream.keys import ANOMALY_NOTIFICATIONS
from ingest_api import live
from ingest_api.app import create_app
from ingest_api.live_route import TRY_AGAIN_LATER

# More than the buffers of both ends take, and more messages than a listener may have waiting.
BIG = "x" * 20_000
MESSAGES = live.MOST_WAITING * 2


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


@pytest.fixture
def served(settings: Settings) -> Iterator[str]:
    """The address of the WebSocket on a port of this machine."""
    port = choose_free_port()
    config = uvicorn.Config(create_app(settings), port=port, ws_per_message_deflate=False, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    yield f"ws://127.0.0.1:{port}/ws"
    server.should_exit = True
    thread.join(20)


def test_a_client_that_does_not_read_is_sent_away_and_holds_up_nobody(served: str, redis_url: str) -> None:
    with (
        redis.Redis.from_url(redis_url) as client,
        connect(served, max_size=None) as reading,
        connect(served, max_size=None, max_queue=1) as asleep,
    ):
        until(lambda: client.pubsub_numsub(ANOMALY_NOTIFICATIONS)[0][1] == 1)
        for number in range(MESSAGES):
            client.publish(ANOMALY_NOTIFICATIONS, f"{number} {BIG}")
            assert reading.recv(timeout=20) == f"{number} {BIG}"

        got = 0
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                assert asleep.recv(timeout=20) == f"{got} {BIG}"
                got += 1
        assert got < MESSAGES
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == TRY_AGAIN_LATER
