"""GET /batches and GET /ledger: what came in, micro-batch by micro-batch and day by day."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from fastapi.testclient import TestClient

from eventpulse.stream.connect import open_redis
from eventpulse.stream.keys import EVENTS_ACCEPTED, EVENTS_STREAM
from tests.draining import a_drain, a_line

START = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)


def lines(count: int, first: int = 0) -> list[bytes]:
    times = [(n, START + timedelta(seconds=n)) for n in range(first, first + count)]
    return [a_line({"event_id": f"00000000-0000-4000-8000-{n:012}", "timestamp": at.isoformat()}) for n, at in times]


def drain(database_url: str, redis_url: str) -> None:
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()


def accept_on(client: "redis.Redis", day: datetime, entry: list[bytes], accepted: int) -> None:
    """An entry with an id of that day; `accepted` is its running number."""
    number: dict[Any, Any] = {"counter": "c0", "accepted": accepted, "count": len(entry)}
    client.xadd(EVENTS_STREAM, {"events": b"\n".join(entry), **number}, id=f"{int(day.timestamp() * 1000)}-1")
    client.hset(EVENTS_ACCEPTED, mapping={"counter": "c0", "accepted": accepted})


@pytest.fixture
def three_days(database_url: str, redis_url: str) -> None:
    """2, 3 and 4 events on three days in a row; one of the second day is a duplicate; those of the third wait."""
    with open_redis(redis_url) as client:
        accept_on(client, START, lines(2), 2)
        drain(database_url, redis_url)
        accept_on(client, START + timedelta(days=1), [*lines(2, first=2), *lines(1)], 5)
        drain(database_url, redis_url)
        accept_on(client, START + timedelta(days=2), lines(4, first=4), 9)


def test_the_ledger_shows_days_and_the_balance_of_all(api: TestClient, three_days: None) -> None:
    ledger = api.get("ledger").json()

    assert [(d["day"], d["accepted"], d["stored"], d["duplicates"], d["pending"]) for d in ledger["data"]] == [
        ("2026-02-02", 4, 0, 0, 4),
        ("2026-02-01", 3, 2, 1, 0),
        ("2026-01-31", 2, 2, 0, 0),
    ]
    assert all(day["balances"] for day in ledger["data"])
    balance = ledger["balance"]
    assert balance["balances"]
    assert (balance["accepted"], balance["stored"], balance["duplicates"], balance["pending"]) == (9, 4, 1, 4)
    assert balance["sentence"] == ("9 events accepted = 4 stored + 1 duplicates + 0 dead-lettered + 4 pending")


def test_days_are_paged_without_gap(api: TestClient, three_days: None) -> None:
    days, cursor = [], None
    while True:
        answer = api.get("ledger", params={"limit": 1, **({"cursor": cursor} if cursor else {})}).json()
        days += [day["day"] for day in answer["data"]]
        cursor = answer["pagination"]["next"]
        if cursor is None:
            break
    assert days == ["2026-02-02", "2026-02-01", "2026-01-31"]


def test_what_is_missing_shows_on_its_day(api: TestClient, three_days: None, database_url: str, redis_url: str) -> None:
    with open_redis(redis_url) as client:
        accept_on(client, START + timedelta(days=3), lines(1, first=20), 12)
    drain(database_url, redis_url)

    ledger = api.get("ledger").json()
    assert [(d["day"], d["balances"], d["missing"]) for d in ledger["data"]][:2] == [
        ("2026-02-03", False, 2),
        ("2026-02-02", True, 0),
    ]
    assert not ledger["balance"]["balances"]


def test_micro_batches_are_paged_and_filtered(api: TestClient, three_days: None) -> None:
    everything = api.get("batches").json()["data"]
    assert [batch["taken"] for batch in everything] == [3, 2]
    assert everything[0]["first_day"] == everything[0]["last_day"] == "2026-02-01"

    first = api.get("batches", params={"limit": 1}).json()
    rest = api.get("batches", params={"limit": 1, "cursor": first["pagination"]["next"]}).json()
    assert [*first["data"], *rest["data"]] == everything
    assert rest["pagination"]["next"] is None
    assert api.get("batches", params={"day": "2026-01-31"}).json()["data"] == everything[1:]
    assert api.get("batches", params={"day": "2026-02-02"}).json()["data"] == []
    assert len(api.get("batches", params={"origin": "live"}).json()["data"]) == 2
    assert api.get("batches", params={"origin": "import"}).json()["data"] == []
    assert api.get("batches", params={"run": "nobody"}).json()["data"] == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("batches?day=yesterday", "day must be a day like 2026-01-31"),
        ("batches?day=2026-02-30", "day must be a day like 2026-01-31"),
        ("batches?cursor=x", "cursor must be one that pagination.next gave"),
        ("ledger?cursor=12", "cursor must be a day like 2026-01-31"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_sentence(api: TestClient, query: str, sentence: str) -> None:
    answer = api.get(query)
    assert (answer.status_code, answer.json()) == (400, {"error": sentence})
