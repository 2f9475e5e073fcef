"""A page signs in with a key once; from then on a cookie opens what the key does, until either ends."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from starlette.websockets import WebSocketDisconnect

from eventpulse.clock import utc_now
from eventpulse.database.api_keys import revoke_key
from eventpulse.settings import Settings
from eventpulse.stream.keys import ANOMALY_NOTIFICATIONS
from tests.at_the_door import EVENT, a_key, bearer, serving, until

SAME_ORIGIN = {"origin": "http://127.0.0.1"}
SOCKET = "ws://127.0.0.1/ws"


@pytest.fixture
def reader(engine: Engine) -> str:
    a_key(engine, "admin")
    return a_key(engine, "read")


@pytest.fixture
def guarded(settings: Settings, reader: str) -> Iterator[TestClient]:
    with serving(settings, require_keys=True) as client:
        yield client


def test_a_page_signs_in_and_the_cookie_opens_what_the_key_does(guarded: TestClient, reader: str) -> None:
    answer = guarded.post("session", json={"key": reader}, headers=SAME_ORIGIN)

    assert answer.status_code == 200
    assert answer.json().items() >= {
        "keys_needed": True, "signed_in": True, "key": reader[:11], "scopes": ["read"]
    }.items()  # fmt: skip
    assert guarded.get("events").status_code == 200
    assert guarded.post("events", json=EVENT).status_code == 403
    assert guarded.get("session").json() == answer.json()


def test_no_script_reads_the_cookie_and_no_other_site_sends_it(guarded: TestClient, reader: str) -> None:
    plain = guarded.post("session", json={"key": reader})
    encrypted = guarded.post("https://127.0.0.1/api/v1/session", json={"key": reader})

    cookie = plain.headers["set-cookie"]
    assert cookie.startswith("eventpulse_session_3000=")
    assert reader[12:] not in cookie
    assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert "Secure" in encrypted.headers["set-cookie"].split("; ")


def test_a_wrong_key_gets_no_session(guarded: TestClient) -> None:
    for key in ("", "ep_abcdefgh_x", "é"):
        answer = guarded.post("session", json={"key": key})

        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
    assert guarded.get("session").json()["signed_in"] is False


def test_a_body_that_is_none_is_refused(guarded: TestClient) -> None:
    for body in (b"", b"{}", b"[]", b'{"key":1}', b'{"key":"\xff"}', b'{"key":"\\ud800"}', b"[" * 4000):
        assert guarded.post("session", content=body).status_code == 400, body


def test_a_body_too_large_for_a_key_is_not_read(guarded: TestClient) -> None:
    assert guarded.post("session", content=b" " * 5000).status_code == 413


def test_signing_out_ends_the_session_in_every_process(guarded: TestClient, settings: Settings, reader: str) -> None:
    with serving(settings, require_keys=True, session_secret=None) as other:
        guarded.post("session", json={"key": reader})
        cookies = dict(guarded.cookies)
        other.cookies.update(cookies)
        assert other.get("events").status_code == 200

        answer = guarded.delete("session", headers=SAME_ORIGIN)

        assert answer.status_code == 204
        assert not guarded.cookies
        guarded.cookies.update(cookies)
        assert guarded.get("events").status_code == 401
        until(lambda: other.get("events").status_code == 401)


def test_a_session_ends_with_its_key(guarded: TestClient, engine: Engine, reader: str) -> None:
    guarded.post("session", json={"key": reader})
    assert guarded.get("events").status_code == 200

    with engine.begin() as connection:
        revoke_key(connection, reader[3:11])

    until(lambda: guarded.get("events").status_code == 401)


def test_a_session_is_no_longer_than_its_key(guarded: TestClient, settings: Settings, engine: Engine) -> None:
    short = a_key(engine, "read", expires_at=utc_now() + timedelta(minutes=10))
    with serving(settings, require_keys=True) as api:
        answer = api.post("session", json={"key": short})

    seconds = int(next(part for part in answer.headers["set-cookie"].split("; ") if "Max-Age" in part)[8:])
    assert 0 < seconds <= 600


def test_a_cookie_that_was_changed_or_made_elsewhere_opens_nothing(guarded: TestClient, reader: str) -> None:
    guarded.post("session", json={"key": reader})
    [(name, value)] = guarded.cookies.items()
    guarded.cookies.clear()
    prefix, expires, number, signature = value.split(".")
    forged = [
        f"{prefix}.{int(expires) + 1}.{number}.{signature}",
        f"{prefix}.{expires}.{number}.",
        f"{prefix}.{expires}.{number}",
        f"{prefix}.{expires}.{number}.{signature}x",
        f"{prefix}.x.{number}.{signature}",
        "...",
        "",
        "é",
    ]
    for text in forged:
        answer = guarded.get("events", headers={"cookie": f"{name}={text}".encode("latin-1")})
        assert answer.status_code == 401, text
    assert guarded.get("events", headers={"cookie": f"other=1; {name}={value};more=2"}).status_code == 200


def test_a_page_of_another_origin_changes_nothing_with_the_cookie(guarded: TestClient, reader: str) -> None:
    for headers in ({"origin": "http://127.0.0.1:8000"}, {"origin": "null"}, {"sec-fetch-site": "same-site"}):
        assert guarded.post("session", json={"key": reader}, headers=headers).status_code == 403
    guarded.post("session", json={"key": reader}, headers={"sec-fetch-site": "same-origin"})

    assert guarded.delete("session", headers={"origin": "http://127.0.0.1:8000"}).status_code == 403
    assert guarded.get("events").status_code == 200


def test_a_page_finds_out_that_it_needs_no_key(api: TestClient) -> None:
    for answer in (api.get("session"), api.post("session", json={"key": "anything"})):
        assert answer.json()["keys_needed"] is False
        assert "set-cookie" not in answer.headers
    assert api.delete("session").status_code == 204


def test_live_anomalies_are_for_those_who_may_read(
    guarded: TestClient, engine: Engine, reader: str, redis_url: str
) -> None:
    with pytest.raises(WebSocketDisconnect), guarded.websocket_connect(SOCKET):
        pass
    guarded.post("session", json={"key": reader})
    with pytest.raises(WebSocketDisconnect), guarded.websocket_connect(SOCKET, headers={"origin": "http://a.example"}):
        pass
    with redis.Redis.from_url(redis_url) as client:
        for headers in (bearer(reader), SAME_ORIGIN):
            with guarded.websocket_connect(SOCKET, headers=headers) as socket:
                until(lambda: bool(client.publish(ANOMALY_NOTIFICATIONS, "{}")))
                assert socket.receive_text() == "{}"


@pytest.mark.parametrize("ending", ["revoke", "sign out"])
def test_an_open_websocket_closes_when_its_key_or_session_ends(
    guarded: TestClient, engine: Engine, reader: str, ending: str
) -> None:
    guarded.post("session", json={"key": reader})
    with guarded.websocket_connect(SOCKET, headers=SAME_ORIGIN) as socket:
        if ending == "revoke":
            with engine.begin() as connection:
                revoke_key(connection, reader[3:11])
        else:
            guarded.delete("session")
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()

    assert closed.value.code == 1008
