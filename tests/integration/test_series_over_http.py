"""The course of a rule over stored events: what it was held against, where it was true, what it found."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from ingest_api.rule_book import series_routes
from tests.draining import a_drain, publish, save_rule

START = datetime(2026, 1, 30, tzinfo=UTC)
BETWEEN = {"from": "2026-01-30T00:00:00Z", "to": "2026-01-30T00:10:00Z"}
RULE: dict[str, Any] = {
    "name": "many logins",
    "severity": "info",
    "window_seconds": 60,
    "cooldown_seconds": 3600,
    "group_by": ["payload.ip"],
    "condition": {
        "type": "threshold",
        "metric": "count",
        "filters": {"event_type": "login"},
        "operator": ">",
        "value": 2,
    },
}


@pytest.fixture(autouse=True)
def stored(database_url: str, redis_url: str) -> None:
    """Five logins of one address, ten seconds apart, one of another, and something that is no login."""
    save_rule(database_url, RULE)
    logins = [("10.0.0.1", seconds) for seconds in (0, 10, 20, 30, 40)] + [("10.0.0.2", 25)]
    publish(
        redis_url,
        [
            {
                "event_id": str(UUID(int=number + 1)),
                "event_type": "login",
                "timestamp": (START + timedelta(seconds=seconds)).isoformat(),
                "payload": {"ip": ip},
            }
            for number, (ip, seconds) in enumerate(logins)
        ]
        + [{"event_id": str(UUID(int=99)), "event_type": "logout", "timestamp": (START).isoformat()}],
    )
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()


def rule_id(api: TestClient) -> str:
    return str(api.get("rules").json()[0]["rule_id"])


def at(seconds: int) -> str:
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def brief(told: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(point["at"], point["value"], point["true"]) for point in told["points"]]


def test_a_stored_rule_shows_each_change_of_its_value_in_a_group(api: TestClient) -> None:
    answer = api.post("rules/series", json={"rule_id": rule_id(api), "group": {"payload.ip": "10.0.0.1"}, **BETWEEN})

    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["kind"], told["unit"], told["shape"]) == ("threshold", "events", "steps")
    assert told["group"] == {"payload.ip": "10.0.0.1"}
    arriving = [(at(10 * number), number + 1.0, number >= 2) for number in range(5)]
    leaving = [(at(60 + 10 * number), 4.0 - number, number < 2) for number in range(5)]
    assert brief(told) == arriving + leaving
    assert {(point["threshold"], point["low"], point["high"]) for point in told["points"]} == {(2.0, None, None)}
    assert [(one["at"], one["value"]) for one in told["anomalies"]] == [(at(20), 3.0)]
    assert told["anomaly_count"] == 1


def test_a_series_that_begins_inside_a_window_and_a_cooldown_knows_both(api: TestClient) -> None:
    later = {"from": at(35), "to": at(90)}
    told = api.post("rules/series", json={"rule_id": rule_id(api), "group": {"payload.ip": "10.0.0.1"}, **later}).json()

    assert brief(told)[:2] == [(at(35), 4.0, True), (at(40), 5.0, True)]
    assert told["anomalies"] == []


def test_a_draft_is_shown_for_the_group_that_stands_out(api: TestClient) -> None:
    draft = {**RULE, "name": "a draft", "condition": {**RULE["condition"], "value": 3}}

    told = api.post("rules/series", json={"rule": draft, **BETWEEN}).json()

    assert told["group"] == {"payload.ip": "10.0.0.1"}
    assert [one["at"] for one in told["anomalies"]] == [at(30)]
    assert [rule["name"] for rule in api.get("rules").json()] == ["many logins"]


def test_silence_grows_up_to_the_end_that_was_asked_for(api: TestClient) -> None:
    silence = {
        "name": "silence",
        "severity": "info",
        "window_seconds": 120,
        "condition": {"type": "absence", "filters": {"event_type": "login"}},
    }

    told = api.post("rules/series", json={"rule": silence, "from": at(30), "to": at(240)}).json()

    assert (told["unit"], told["shape"]) == ("s", "line")
    assert brief(told) == [
        (at(30), 5.0, False),
        (at(30), 0.0, False),
        (at(40), 10.0, False),
        (at(40), 0.0, False),
        (at(160), 120.0, True),
        (at(240), 200.0, True),
    ]
    assert [one["at"] for one in told["anomalies"]] == [at(160)]


def test_without_events_nothing_is_shown(api: TestClient) -> None:
    answer = api.post("rules/series", json={"rule_id": rule_id(api), "from": "2020-01-01T00:00:00Z", "to": at(-86400)})

    assert answer.status_code == 200
    assert (answer.json()["group"], answer.json()["points"], answer.json()["anomalies"]) == (None, [], [])


def test_more_events_than_can_be_looked_at_are_refused_with_what_would_do(
    api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series_routes, "MOST_EVENTS", 5)

    of_one = api.post("rules/series", json={"rule_id": rule_id(api), "group": {"payload.ip": "10.0.0.1"}, **BETWEEN})
    of_all = api.post("rules/series", json={"rule_id": rule_id(api), **BETWEEN})

    assert of_one.status_code == 200
    assert of_all.status_code == 413
    assert "Choose a shorter stretch, or a group" in of_all.json()["error"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"rule": RULE, "from": at(10), "to": at(10)}, 400, "from must be before to"),
        ({**BETWEEN}, 400, "Give either rule or rule_id"),
        ({"rule": RULE, "rule_id": str(UUID(int=1)), **BETWEEN}, 400, "Give either rule or rule_id"),
        ({"rule_id": str(UUID(int=1)), **BETWEEN}, 404, "Rule not found"),
        ({"rule": {**RULE, "condition": {"type": "no"}}, **BETWEEN}, 400, "condition"),
        ({"rule": RULE, "group": {"source": "web"}, **BETWEEN}, 400, "payload.ip"),
        ({"rule": RULE, "group": {"nowhere": 1}, **BETWEEN}, 400, "nowhere"),
    ],
    ids=["no stretch", "no rule", "two rules", "unknown rule", "bad draft", "other group", "no path"],
)
def test_a_question_that_makes_no_sense_is_told_why(
    api: TestClient, body: dict[str, Any], status: int, words: str
) -> None:
    answer = api.post("rules/series", json=body)

    assert answer.status_code == status
    assert words in answer.text
