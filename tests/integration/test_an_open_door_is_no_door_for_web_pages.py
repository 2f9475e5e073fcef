"""On loopback without keys, programs of this machine are let in, and pages of others in its browser are not."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from starlette.testclient import WebSocketDenialResponse

from eventpulse.settings import Settings
from tests.at_the_door import EVENT, a_key, bearer, serving


def test_this_machine_goes_by_its_own_names(api: TestClient, subtests: pytest.Subtests) -> None:
    for host in (
        "127.0.0.1",
        "127.0.0.1:3000",
        "localhost:3000",
        "LOCALHOST",
        "[::1]:3000",
        "a.localhost",
        "localhost.",
    ):
        with subtests.test(host):
            assert api.get("events", headers={"host": host}).status_code == 200


def test_another_name_that_leads_here_is_refused(api: TestClient, subtests: pytest.Subtests) -> None:
    for host in (
        "evil.example",
        "evil.example:3000",
        "127.0.0.1.evil.example",
        "0.0.0.0:3000",
        "10.0.0.1",
        "[::]",
        "@",
        "",
    ):
        with subtests.test(host):
            answer = api.get("events", headers={"host": host})

            assert answer.status_code == 403
            assert "Host header" in answer.json()["error"]


def test_a_proxy_in_front_of_an_open_door_is_refused(api: TestClient) -> None:
    for header in ("forwarded", "x-forwarded-for"):
        answer = api.get("events", headers={header: "10.0.0.1"})

        assert answer.status_code == 403
        assert "EVENTPULSE_TRUSTED_HOSTS" in answer.json()["error"]


FROM_ELSEWHERE = [
    {"origin": "https://evil.example"},
    {"origin": "http://127.0.0.1:8000"},
    {"origin": "null"},
    {"origin": ""},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site", "origin": "http://localhost:8000"},
]


def test_a_form_of_another_page_changes_nothing(api: TestClient, subtests: pytest.Subtests) -> None:
    for headers in FROM_ELSEWHERE:
        for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/json"):
            with subtests.test(f"{headers} {content_type}"):
                answer = api.post("events", json=EVENT, headers={**headers, "content-type": content_type})

                assert answer.status_code == 403
                assert answer.json() == {"error": "This comes from a page of another origin"}


def test_our_own_page_and_programs_may_change_things(api: TestClient, subtests: pytest.Subtests) -> None:
    for headers in ({}, {"origin": "http://127.0.0.1"}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}):
        with subtests.test(str(headers)):
            assert api.post("events", json=EVENT, headers=headers).status_code == 202


def test_a_websocket_of_another_page_hears_nothing(api: TestClient) -> None:
    for origin in ("https://evil.example", "null", "http://127.0.0.1:8000"):
        with (
            pytest.raises(WebSocketDenialResponse) as refused,
            api.websocket_connect("ws://127.0.0.1/ws", headers={"origin": origin}),
        ):
            pass

        assert refused.value.status_code == 403


def test_behind_a_proxy_its_name_is_trusted_and_keys_are_needed(settings: Settings, engine: Engine) -> None:
    key = bearer(a_key(engine, "admin"))
    with serving(settings, trusted_hosts="events.example.com, other.example.com") as api:
        outside = {"host": "events.example.com", "x-forwarded-for": "203.0.113.9"}
        assert api.get("events", headers=outside).status_code == 401
        assert api.get("events", headers={**outside, **key}).status_code == 200
        own_page = {"origin": "https://events.example.com", "host": "127.0.0.1:3000"}
        assert api.delete("session", headers=own_page).status_code == 204
        assert api.delete("session", headers={**own_page, "origin": "https://evil.example"}).status_code == 403
