"""What GET /events and GET /events/{event_id} promise about stored events."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from eventpulse.database.tables import events

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def store(engine: Engine, *rows: dict[str, Any]) -> list[UUID]:
    """Store events in the order given, as one batch after the other would."""
    ids = []
    with engine.begin() as connection:
        for number, row in enumerate(rows):
            values: dict[str, Any] = {
                "event_id": uuid4(),
                "event_type": "page_view",
                "source": "web",
                "timestamp": NOON + timedelta(seconds=number),
                "received_at": NOON,
                "position": number,
                "batch_id": 1,
                "origin": "live",
                "payload": "{}",
                "metadata": "{}",
                **row,
            }
            columns = ", ".join(f'"{column.name}"' for column in events.columns if column.name in values)
            places = ", ".join(f":{column.name}" for column in events.columns if column.name in values)
            connection.execute(text(f"insert into eventpulse.events ({columns}) values ({places})"), values)
            ids.append(values["event_id"])
    return ids


def pages(api: TestClient, **query: Any) -> Iterator[list[str]]:
    cursor: dict[str, Any] = {}
    while True:
        answer = api.get("events", params={**query, **cursor}).json()
        yield [event["event_id"] for event in answer["data"]]
        if answer["pagination"]["next"] is None:
            return
        cursor = {"cursor": answer["pagination"]["next"]}


def test_the_newest_stored_come_first(api: TestClient, engine: Engine) -> None:
    ids = store(engine, {}, {"batch_id": 3}, {"batch_id": 2, "timestamp": NOON + timedelta(days=3)})

    answer = api.get("events")

    assert answer.status_code == 200
    assert [event["event_id"] for event in answer.json()["data"]] == [str(ids[1]), str(ids[2]), str(ids[0])]
    assert answer.json()["pagination"] == {"limit": 50, "offset": 0, "count": 3, "next": None}


def test_a_stored_event_comes_out_to_the_letter(api: TestClient, engine: Engine) -> None:
    payload = '{ "n": 12345678901234567890123,  "x": 1.10, "b":1, "a":"\\u00e9", "b":2 }'
    moment = datetime(2026, 1, 31, 12, 0, 0, 123456, UTC)
    [event_id] = store(engine, {"payload": payload, "metadata": '{"é":"é"}', "timestamp": moment})

    answer = api.get(f"events/{str(event_id).upper()}")

    assert f'"payload":{payload},"metadata":{{"é":"é"}}' in answer.text
    said = answer.json()
    assert said["timestamp"] == "2026-01-31T12:00:00.123456Z"
    assert said["received_at"] == "2026-01-31T12:00:00.000Z"
    assert said.keys() == {
        *("event_id", "event_type", "source", "timestamp", "payload", "metadata", "created_at"),
        *("received_at", "origin", "batch_id"),
    }


@pytest.mark.parametrize("event_id", ["nothing", "1", str(UUID(int=0)), "x" * 2000, "%00", "health2"])
def test_an_event_that_is_not_there_is_404(api: TestClient, event_id: str) -> None:
    answer = api.get(f"events/{event_id}")

    assert (answer.status_code, answer.json()) == (404, {"error": "Event not found"})


def test_filters_are_taken_together_and_times_included(api: TestClient, engine: Engine) -> None:
    wanted = {"event_type": "click", "source": "app"}
    ids = store(engine, wanted, {**wanted, "source": "web"}, wanted, {**wanted, "event_type": "view"}, wanted)

    def shown(**query: str) -> list[str]:
        return [event["event_id"] for event in api.get("events", params={**wanted, **query}).json()["data"]]

    assert shown() == [str(ids[4]), str(ids[2]), str(ids[0])]
    assert shown(**{"from": "2026-01-31T12:00:02Z"}) == [str(ids[4]), str(ids[2])]
    assert shown(**{"to": "2026-01-31T14:00:02+02:00"}) == [str(ids[2]), str(ids[0])]
    assert shown(**{"from": "2026-01-31T12:00:02Z", "to": "2026-01-31T12:00:02Z"}) == [str(ids[2])]
    assert shown(source="nobody") == []


@pytest.mark.parametrize(
    ("query", "limit", "offset", "count"),
    [
        ({}, 50, 0, 50),
        ({"limit": "0"}, 1, 0, 1),
        ({"limit": "-7"}, 1, 0, 1),
        ({"limit": "100000"}, 500, 0, 60),
        ({"limit": "9" * 5000}, 500, 0, 60),
        ({"offset": "-3"}, 50, 0, 50),
        ({"limit": "20", "offset": "50"}, 20, 50, 10),
        ({"offset": "9" * 5000}, 50, 1 << 53, 0),
    ],
)
def test_limit_and_offset_are_brought_into_range(
    api: TestClient, engine: Engine, query: dict[str, str], limit: int, offset: int, count: int
) -> None:
    store(engine, *[{}] * 60)

    pagination = api.get("events", params=query).json()["pagination"]

    assert (pagination["limit"], pagination["offset"], pagination["count"]) == (limit, offset, count)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"limit": "ten"}, "limit must be an integer"),
        ({"limit": "1.5"}, "limit must be an integer"),
        ({"limit": ""}, "limit must be an integer"),
        ({"limit": "٣"}, "limit must be an integer"),
        ({"offset": "1e2"}, "offset must be an integer"),
        ({"offset": "--1"}, "offset must be an integer"),
        ({"from": "yesterday"}, "from must be a valid ISO-8601 timestamp"),
        ({"from": "2026-01-31"}, "from must be a valid ISO-8601 timestamp"),
        ({"to": "2026-02-30T00:00:00Z"}, "to must be a valid ISO-8601 timestamp"),
        ({"to": "0001-01-01T00:00:00+01:00"}, "to must be a valid ISO-8601 timestamp"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from must not be after to"),
        ({"cursor": "nonsense"}, "cursor must be one that pagination.next gave"),
        ({"cursor": "W10"}, "cursor must be one that pagination.next gave"),
        ({"event_type": "a\0b"}, "event_type must not contain NUL characters"),
        ({"source": "\0"}, "source must not contain NUL characters"),
    ],
)
def test_a_question_that_cannot_be_read_is_400_with_its_sentence(
    api: TestClient, query: dict[str, str], sentence: str
) -> None:
    answer = api.get("events", params=query)

    assert (answer.status_code, answer.json()) == (400, {"error": sentence})


def test_a_cursor_neither_skips_nor_repeats_while_events_arrive(api: TestClient, engine: Engine) -> None:
    same_place: list[dict[str, Any]] = [{"batch_id": 2, "position": 7}] * 5
    ids = store(engine, *[{}] * 10, *same_place)
    seen = []
    for page in pages(api, limit=4):
        seen.append(page)
        store(engine, {"batch_id": 10 + len(seen)})

    assert [len(page) for page in seen] == [4, 4, 4, 3]
    flat = [event_id for page in seen for event_id in page]
    assert flat == [*sorted(str(event_id) for event_id in ids[10:]), *(str(event_id) for event_id in ids[9::-1])]


def test_a_cursor_goes_with_filters(api: TestClient, engine: Engine) -> None:
    ids = store(engine, *[{"source": "a"}, {"source": "b"}] * 5)

    flat = [event_id for page in pages(api, limit=2, source="b") for event_id in page]

    assert flat == [str(event_id) for event_id in ids[::-1][::2]]
