"""The WebSocket passes anomalies on to the letter, and nobody waits for a client that does not read."""

import asyncio
import time
from collections.abc import Callable

import pytest
import redis
from fastapi.testclient import TestClient

from eventpulse.stream.connect import open_async_redis
from eventpulse.stream.keys import ALERT_NOTIFICATIONS, ANOMALY_NOTIFICATIONS, BATCH_NOTIFICATIONS
from ingest_api.live import LiveAnomalies

MESSAGE = '{"type":"anomaly",  "value": 1.10, "message":"5 > 3 – zu viele"}'


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def subscribers(client: "redis.Redis") -> int:
    return dict(client.pubsub_numsub(ANOMALY_NOTIFICATIONS))[ANOMALY_NOTIFICATIONS.encode()]


@pytest.mark.parametrize("path", ["/ws", "/api/v1/ws"])
def test_everybody_gets_every_message_to_the_letter(api: TestClient, redis_url: str, path: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        until(lambda: subscribers(client) == 1)
        address = f"ws://127.0.0.1{path}"
        with api.websocket_connect(address) as one, api.websocket_connect(address) as other:
            for number in range(3):
                client.publish(ANOMALY_NOTIFICATIONS, MESSAGE + str(number))
            for socket in (one, other):
                assert [socket.receive_text() for _ in range(3)] == [MESSAGE + str(number) for number in range(3)]
            assert subscribers(client) == 1


def test_who_asks_for_alerts_and_batches_gets_them_and_nobody_else(api: TestClient, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        until(lambda: subscribers(client) == 1)
        with (
            api.websocket_connect("ws://127.0.0.1/ws") as plain,
            api.websocket_connect("ws://127.0.0.1/ws?types=anomaly,alert,batch") as curious,
            api.websocket_connect("ws://127.0.0.1/ws?types=alert") as alerts_alone,
        ):
            for channel in (ALERT_NOTIFICATIONS, BATCH_NOTIFICATIONS, ANOMALY_NOTIFICATIONS, ALERT_NOTIFICATIONS):
                client.publish(channel, channel)
            assert [curious.receive_text() for _ in range(3)] == [
                ALERT_NOTIFICATIONS,
                BATCH_NOTIFICATIONS,
                ANOMALY_NOTIFICATIONS,
            ]
            assert [alerts_alone.receive_text() for _ in range(2)] == [ALERT_NOTIFICATIONS] * 2
            assert plain.receive_text() == ANOMALY_NOTIFICATIONS


def test_who_asks_for_what_there_is_not_is_told(api: TestClient) -> None:
    with api.websocket_connect("ws://127.0.0.1/ws?types=alert,weather") as socket:
        closed = socket.receive()
    assert (closed["type"], closed["code"]) == ("websocket.close", 1008)
    assert closed["reason"] == "types must be some of: anomaly, alert, batch"


def test_what_a_client_sends_is_passed_over_and_its_leaving_disturbs_nobody(api: TestClient, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client, api.websocket_connect("ws://127.0.0.1/ws") as staying:
        until(lambda: subscribers(client) == 1)
        with api.websocket_connect("ws://127.0.0.1/ws") as leaving:
            leaving.send_text("hello?")
            leaving.send_bytes(b"\xff")
        client.publish(ANOMALY_NOTIFICATIONS, MESSAGE)
        assert staying.receive_text() == MESSAGE


def test_the_subscription_comes_back_by_itself(api: TestClient, redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client, api.websocket_connect("ws://127.0.0.1/ws") as socket:
        until(lambda: subscribers(client) == 1)
        client.client_kill_filter(_type="pubsub")
        until(lambda: subscribers(client) == 1)
        client.publish(ANOMALY_NOTIFICATIONS, MESSAGE)
        assert socket.receive_text() == MESSAGE


def test_who_does_not_read_falls_behind_alone() -> None:
    async def story() -> None:
        live = LiveAnomalies(open_async_redis("redis://127.0.0.1:1/0"), most_waiting=3)
        with live.listener() as reading, live.listener() as asleep:
            for number in range(10):
                live.tell(str(number))
                assert await reading.next() == str(number)
            assert asleep.fell_behind.is_set()
            assert [await asleep.next() for _ in range(3)] == ["0", "1", "2"]
            assert not reading.fell_behind.is_set()

    asyncio.run(story())
