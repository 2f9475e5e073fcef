"""A client that sends too much is told to wait, and nobody else is."""

from fastapi.testclient import TestClient
from sqlalchemy import Engine

from eventpulse.settings import Settings
from tests.at_the_door import EVENT, a_key, bearer, serving


def posts(api: TestClient, count: int, key: str | None = None) -> list[int]:
    headers = bearer(key) if key else {}
    return [api.post("events", json=EVENT, headers=headers).status_code for _ in range(count)]


def test_requests_over_the_limit_of_an_address_are_429(settings: Settings) -> None:
    with serving(settings, requests_per_second=5) as api:
        assert 429 in posts(api, 30)
        answer = next(found for _ in range(30) if (found := api.post("events", json=EVENT)).status_code == 429)
        assert answer.json() == {"error": "More than 5 requests in a second. Nothing was taken; try again in 1 s."}
        assert answer.headers["retry-after"] == "1"
        assert api.get("/livez").status_code == 200


def test_events_of_a_batch_count_each(settings: Settings) -> None:
    with serving(settings, events_per_second=100) as api:
        assert api.post("events/batch", json=[EVENT] * 500).status_code == 202
        answer = api.post("events", json=EVENT)
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["retry-after"]) <= 4


def test_a_key_has_its_own_limit_and_leaves_others_theirs(settings: Settings, engine: Engine) -> None:
    slow, free = a_key(engine, "ingest", requests_per_second=1), a_key(engine, "admin")
    with serving(settings, require_keys=True, requests_per_second=1_000_000) as api:
        assert 429 in posts(api, 10, slow)
        assert set(posts(api, 10, free)) == {202}
