"""What POST /events and POST /events/batch promise to a client, and what then stands in the stream."""

import json
from typing import Any
from uuid import UUID

import msgspec
import pytest
import redis
from fastapi.testclient import TestClient

from eventpulse.event import StreamedEvent
from eventpulse.stream.keys import EVENTS_STREAM

AN_ID = "0B1A6F3E-7C1D-4B39-8B6A-2F6A1C9B7D10"
EVENT: dict[str, Any] = {"event_type": "page_view", "source": "web", "timestamp": "2026-01-31T10:00:00.5+02:00"}


def an_event(**changes: Any) -> dict[str, Any]:
    return {key: value for key, value in {**EVENT, **changes}.items() if value is not ...}


def entries(redis_url: str) -> list[list[StreamedEvent]]:
    """The stream: the events of each entry."""
    with redis.Redis.from_url(redis_url) as client:
        found: Any = client.xrange(EVENTS_STREAM)
    lines = [fields[b"events"].splitlines() for _, fields in found]
    assert [len(events) for events in lines] == [int(fields[b"count"]) for _, fields in found]
    return [[msgspec.json.decode(line, type=StreamedEvent) for line in events] for events in lines]


def test_an_accepted_event_is_in_the_stream_as_it_was_sent(api: TestClient, redis_url: str) -> None:
    payload = '{ "n": 12345678901234567890123, "x": 1.10, "b":1, "a":"\\u00e9" }'
    body = json.dumps(an_event(event_id=AN_ID))[:-1] + f', "payload": {payload}}}'

    answer = api.post("events", content=body)

    assert (answer.status_code, answer.json()) == (202, {"status": "accepted", "event_id": AN_ID.lower()})
    assert answer.headers["content-type"] == "application/json"
    [[event]] = entries(redis_url)
    assert event.event_id == AN_ID.lower()
    assert event.timestamp == 1_769_846_400_500_000
    assert event.payload == payload
    assert event.metadata == "{}"


def test_an_event_without_an_id_gets_a_uuid_of_version_7(api: TestClient, redis_url: str) -> None:
    answer = api.post("events", json=EVENT)

    [[event]] = entries(redis_url)
    assert answer.json()["event_id"] == event.event_id
    assert UUID(event.event_id).version == 7


def test_a_batch_is_answered_in_its_order_and_stands_in_one_entry(api: TestClient, redis_url: str) -> None:
    batch = [an_event(source=f"web-{number}") for number in range(500)]

    answer = api.post("events/batch", json=batch)

    assert answer.status_code == 202
    said = answer.json()
    [stored] = entries(redis_url)
    assert said == {"status": "accepted", "count": 500, "event_ids": [event.event_id for event in stored]}
    assert [event.source for event in stored] == [event["source"] for event in batch]


def test_an_id_that_stands_twice_in_a_batch_is_accepted(api: TestClient) -> None:
    answer = api.post("events/batch", json=[an_event(event_id=AN_ID), an_event(event_id=AN_ID.lower())])

    assert answer.status_code == 202
    assert answer.json()["event_ids"] == [AN_ID.lower()] * 2


def test_one_fault_refuses_a_whole_batch_and_names_its_place(api: TestClient, redis_url: str) -> None:
    batch = [EVENT, an_event(source=""), EVENT, an_event(event_type=..., timestamp="yesterday")]

    answer = api.post("events/batch", json=batch)

    assert answer.status_code == 400
    said = answer.json()
    assert said["error"] == "Validation failed"
    assert [(issue["path"], issue["code"]) for issue in said["issues"]] == [
        ([1, "source"], "too_small"),
        ([3, "event_type"], "invalid_type"),
        ([3, "timestamp"], "invalid_string"),
    ]
    assert entries(redis_url) == []


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""])
def test_the_content_type_does_not_matter(api: TestClient, content_type: str) -> None:
    answer = api.post("events", content=json.dumps(EVENT), headers={"content-type": content_type})

    assert answer.status_code == 202


@pytest.mark.parametrize("route", ["events", "events/batch"])
@pytest.mark.parametrize(
    "body", ["", "{", "event_type=a", "[1,", "NaN", '{"a":NaN}', "\ufeff{}", "null", '"text"', "[" * 100_000]
)
def test_what_is_not_json_or_no_event_is_400(api: TestClient, route: str, body: str) -> None:
    answer = api.post(route, content=body)

    assert answer.status_code == 400
    assert answer.json()["error"] == "Validation failed"
    assert answer.json()["issues"][0].keys() == {"path", "message", "code"}


def test_bytes_that_are_no_text_are_400(api: TestClient) -> None:
    answer = api.post("events", content=json.dumps(an_event(source="Zürich"), ensure_ascii=False).encode("latin-1"))

    assert answer.status_code == 400
    assert answer.json()["issues"][0]["message"].startswith("Body is not valid UTF-8")


def test_an_empty_batch_is_400_and_one_over_the_limit_413(api: TestClient, redis_url: str) -> None:
    assert api.post("events/batch", json=[]).json()["issues"][0]["code"] == "too_small"

    too_many = api.post("events/batch", json=[EVENT] * 501)
    too_many_and_wrong = api.post("events/batch", json=[{}] * 501)

    assert too_many.status_code == too_many_and_wrong.status_code == 413
    assert too_many.json() == {"error": "A batch may hold at most 500 events, got 501"}
    assert entries(redis_url) == []


@pytest.mark.parametrize("route", ["events", "events/batch", "rules"])
def test_a_body_over_the_limit_is_413_whether_its_length_is_declared_or_not(api: TestClient, route: str) -> None:
    declared = api.post(route, content=b" " * 200_001)
    in_chunks = api.post(route, content=(b" " * 50_000 for _ in range(5)))

    assert declared.status_code == in_chunks.status_code == 413
    assert declared.json() == in_chunks.json() == {"error": "The body is larger than 200000 bytes"}


def test_a_hundred_faults_are_named_and_no_more(api: TestClient) -> None:
    answer = api.post("events/batch", json=[{}] * 400)

    assert answer.status_code == 400
    assert len(answer.json()["issues"]) == 100


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "nothing/here", 404),
        ("PUT", "events", 405),
        ("DELETE", "events/batch", 405),
        ("POST", "metrics", 405),
        ("GET", "events/", 404),
    ],
)
def test_every_error_is_json_with_error(api: TestClient, method: str, path: str, status: int) -> None:
    answer = api.request(method, path)

    assert answer.status_code == status
    assert answer.json().keys() == {"error"}
