"""GET /metrics: what Prometheus is told, also while servers are away."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from eventpulse.settings import Settings
from eventpulse.stream.connect import open_redis
from eventpulse.stream.keys import EVENTS_STREAM
from ingest_api.app import create_app
from ingest_api.health import observations
from tests.draining import a_drain, a_line, publish_lines, save_rule

START = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
RULE = {
    "name": "many",
    "severity": "critical",
    "window_seconds": 60,
    "condition": {"type": "threshold", "metric": "count", "operator": ">", "value": 1},
}


@pytest.fixture(autouse=True)
def every_scrape_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observations, "OLD_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(observations, "WAIT_SECONDS", 30.0)


def scrape(api: TestClient) -> dict[tuple[str, ...], float]:
    """The value of each sample, by name and labels."""
    answer = api.get("http://127.0.0.1/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return {
        (sample.name.removeprefix("eventpulse_"), *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def line(number: int, at: datetime = START) -> bytes:
    return a_line({"event_id": f"00000000-0000-4000-8000-{number:012}", "timestamp": at.isoformat()})


def test_the_ledger_the_backlog_and_the_anomalies_are_told(api: TestClient, database_url: str, redis_url: str) -> None:
    save_rule(database_url, RULE)
    before = scrape(api)
    assert (before["events_accepted_total",], before["micro_batch_seconds_count",]) == (0, 0)
    publish_lines(redis_url, [[line(1), line(2), line(2), b"not json"]])
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
    publish_lines(redis_url, [[line(3)], [line(4)]])

    told = scrape(api)
    expected = {
        "events_accepted_total": 6,
        "events_stored_total": 2,
        "events_duplicate_total": 1,
        "events_dead_lettered_total": 1,
        "events_pending": 2,
        "events_missing": 0,
        "events_too_late_total": 0,
        "ledger_balances": 1,
        "backlog_entries": 2,
        "micro_batches_total": 1,
        "micro_batch_seconds_count": 1,
        "postgres_up": 1,
        "redis_up": 1,
    }
    assert {name: told[name,] for name in expected} == expected
    assert told["anomalies_total", "critical"] == 1
    assert told["dead_letters", "open"] == 1
    assert told["lag_seconds",] >= 0


def test_a_ledger_that_does_not_balance_is_told(api: TestClient, database_url: str, redis_url: str) -> None:
    publish_lines(redis_url, [[line(1)]])
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
    publish_lines(redis_url, [[line(2)], [line(3)]])
    with open_redis(redis_url) as client:
        client.xtrim(EVENTS_STREAM, maxlen=1, approximate=False)

    told = scrape(api)
    assert (told["ledger_balances",], told["events_missing",]) == (0, 1)


def test_requests_are_counted_by_route_also_refused_ones_and_what_matches_none_shares_a_label(api: TestClient) -> None:
    event = {"event_type": "a", "source": "b", "timestamp": START.isoformat()}
    api.post("events", json=event)
    api.post("events", json={})
    api.get("events/00000000-0000-4000-8000-000000000001")
    api.get("events/00000000-0000-4000-8000-000000000002")
    for nowhere in ("made", "up"):
        api.get(nowhere)
    api.request("BREW", "coffee")

    told = scrape(api)
    assert told["http_requests_total", "POST", "/api/v1/events", "202"] == 1
    assert told["http_requests_total", "POST", "/api/v1/events", "400"] == 1
    assert told["http_requests_total", "GET", "/api/v1/events/{event_id}", "404"] == 2
    assert told["http_requests_total", "GET", "none", "404"] == 2
    assert told["http_requests_total", "other", "none", "404"] == 1
    assert told["http_request_seconds_count", "POST", "/api/v1/events"] == 2


def test_scraping_answers_while_both_servers_are_away() -> None:
    settings = Settings(
        _env_file=None,
        redis_url=SecretStr("redis://127.0.0.1:1/0"),
        database_url=SecretStr("postgresql://nobody@127.0.0.1:1/none"),
    )
    with TestClient(create_app(settings), base_url="http://127.0.0.1/api/v1/") as api:
        told = scrape(api)
    assert (told["postgres_up",], told["redis_up",]) == (0, 0)
    assert ("events_stored_total",) not in told


def test_who_scrapes_often_does_not_make_the_servers_work_more(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    look = observations.Observations.look
    monkeypatch.setattr(observations, "OLD_AFTER_SECONDS", timedelta(hours=1).total_seconds())
    monkeypatch.setattr(observations.Observations, "look", lambda self: looks.append(1) or look(self))
    for _ in range(5):
        scrape(api)
    assert len(looks) == 1
