"""What GET /anomalies and GET /anomalies/{id} promise."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
RULE = {
    "name": "too many",
    "severity": "critical",
    "window_seconds": 60,
    "condition": {"type": "threshold", "metric": "count", "operator": ">", "value": 5},
}


@pytest.fixture
def store(engine: Engine) -> Callable[..., str]:
    """Store one anomaly and give its id."""

    def store(**changes: Any) -> str:
        values: dict[str, Any] = {
            "anomaly_id": uuid4(),
            "rule_id": uuid4(),
            "rule_version": 1,
            "severity": "warning",
            "message": "5 > 3",
            "group": "{}",
            "group_key": 0,
            "event_id": None,
            "occurred_at": NOON,
            "detected_at": NOON,
            "value": 5.0,
            "threshold": 3.0,
            "window_start": NOON - timedelta(minutes=1),
            "window_end": NOON,
            "contributing": [],
            "contributing_count": 0,
            "origin": "live",
            "batch_id": 1,
            **changes,
        }
        columns = ", ".join(f'"{name}"' for name in values)
        places = ", ".join(f":{name}" for name in values)
        with engine.begin() as connection:
            connection.execute(text(f"insert into eventpulse.anomalies ({columns}) values ({places})"), values)
        return str(values["anomaly_id"])

    return store


def shown(api: TestClient, **query: Any) -> list[str]:
    answer = api.get("anomalies", params=query)
    assert answer.status_code == 200, answer.text
    return [anomaly["anomaly_id"] for anomaly in answer.json()["data"]]


def test_the_newest_detected_come_first_page_by_page(api: TestClient, store: Callable[..., str]) -> None:
    ids = [store(detected_at=NOON + timedelta(microseconds=number // 2)) for number in range(9)]
    expected = [one for start in (8, 6, 4, 2, 0) for one in sorted(ids[start : start + 2], reverse=True)]

    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = api.get("anomalies", params={"limit": "4", **cursor}).json()
        seen += [anomaly["anomaly_id"] for anomaly in answer["data"]]
        if answer["pagination"]["next"] is None:
            break
        cursor = {"cursor": answer["pagination"]["next"]}
        store(detected_at=NOON + timedelta(hours=1))

    assert seen == expected
    assert shown(api, limit="2", offset="3")[-1] == shown(api)[4]


def test_filters_by_rule_and_severity(api: TestClient, store: Callable[..., str]) -> None:
    rule = api.post("rules", json=RULE).json()
    mine = store(rule_id=UUID(rule["rule_id"]), severity="critical")
    other = store(severity="critical")
    api.patch(f"rules/{rule['rule_id']}", json={"name": "renamed"})

    assert shown(api, rule_id=rule["rule_id"]) == [mine]
    assert shown(api, rule_id="too many") == [mine]
    assert shown(api, rule_id="renamed") == [mine]
    assert shown(api, rule_id="nobody") == []
    assert set(shown(api, severity="critical")) == {mine, other}
    assert shown(api, severity="info") == []
    assert shown(api, severity="critical", rule_id="renamed") == [mine]


def test_retracted_anomalies_are_shown_on_request(api: TestClient, store: Callable[..., str]) -> None:
    current = store()
    retracted = store(state="retracted", retracted_at=NOON)

    assert shown(api) == [current]
    assert shown(api, state="retracted") == [retracted]
    assert set(shown(api, state="all")) == {current, retracted}
    wrong = api.get("anomalies", params={"state": "new"})
    assert (wrong.status_code, wrong.json()) == (400, {"error": "state must be one of: current, retracted, all"})


def test_filters_by_event_time_origin_and_alert(api: TestClient, store: Callable[..., str]) -> None:
    alert = uuid4()
    early = store(occurred_at=NOON, detected_at=NOON + timedelta(hours=3), origin="backfill")
    late = store(occurred_at=NOON + timedelta(seconds=9), alert_id=alert)

    assert shown(api, **{"from": "2026-01-31T12:00:09Z"}) == [late]
    assert shown(api, **{"to": "2026-01-31T12:00:08.999Z"}) == [early]
    assert shown(api, **{"from": "2026-01-31T12:00:00Z", "to": "2026-01-31T14:00:09+02:00"}) == [early, late]
    assert shown(api, origin="backfill") == [early]
    assert shown(api, alert_id=str(alert)) == [late]
    assert shown(api, alert_id=str(uuid4())) == []
    assert api.get("anomalies").json()["data"][1]["alert_id"] == str(alert)


def test_a_group_is_asked_for_by_its_values_or_some_of_them(api: TestClient, store: Callable[..., str]) -> None:
    both = store(group='{"payload.ip":"10.0.0.1","payload.port":22}')
    other = store(group='{"payload.ip":"10.0.0.2","payload.port":22.0}')
    store(group='{"payload.ip":null,"payload.port":"22"}')

    assert shown(api, group='{"payload.ip":"10.0.0.1"}') == [both]
    assert set(shown(api, group='{"payload.port": 22}')) == {both, other}
    assert shown(api, group='{"payload.\\"port\\"": 22, "payload.ip": "10.0.0.2"}') == [other]
    assert len(shown(api, group="{}")) == 3
    assert shown(api, group='{"payload.user":null}') == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"origin": "guess"}, "origin must be one of: live, late, backfill, rerun, import"),
        ({"alert_id": "seven"}, "alert_id must be a valid UUID"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from must not be after to"),
        ({"group": "10.0.0.1"}, 'group must be a JSON object such as {"payload.ip":"10.0.0.1"}'),
        ({"group": "[1]"}, 'group must be a JSON object such as {"payload.ip":"10.0.0.1"}'),
        ({"group": '{"payload.ip":"a\\u0000"}'}, 'group must be a JSON object such as {"payload.ip":"10.0.0.1"}'),
        ({"group": '{"payload.ip":1e999999}'}, 'group must be a JSON object such as {"payload.ip":"10.0.0.1"}'),
        ({"group": '{"payload.ip":"\\ud800"}'}, 'group must be a JSON object such as {"payload.ip":"10.0.0.1"}'),
        ({"group": '{"ip":1}'}, 'group must be a JSON object such as {"payload.ip":"10.0.0.1"}'),
        ({"group": '{"payload.ip":' + "[" * 5000}, 'group must be a JSON object such as {"payload.ip":"10.0.0.1"}'),
    ],
)
def test_a_question_that_cannot_be_read_is_400_with_its_sentence(
    api: TestClient, query: dict[str, str], sentence: str
) -> None:
    answer = api.get("anomalies", params=query)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(sentence)


def test_a_row_has_what_the_original_had_and_our_additions(api: TestClient, store: Callable[..., str]) -> None:
    event_id = uuid4()
    anomaly_id = store(
        group='{"payload.ip": "10.0.0.1"}', event_id=event_id, contributing=[event_id], value=float("inf")
    )

    [row] = api.get("anomalies").json()["data"]

    assert row["anomaly_id"] == anomaly_id
    assert row["event_id"] == str(event_id)
    assert row["detected_at"] == "2026-01-31T12:00:00.000Z"
    assert row["group"] == {"payload.ip": "10.0.0.1"}
    assert row["value"] is None  # JSON has no infinity
    assert row["contributing"] == [str(event_id)]
    assert row["rule_name"] is None


def test_one_anomaly_comes_with_its_rule_events_batch_and_run(
    api: TestClient, engine: Engine, store: Callable[..., str]
) -> None:
    rule = api.post("rules", json=RULE).json()
    api.patch(f"rules/{rule['rule_id']}", json={"window_seconds": 5})
    event_id = uuid4()
    with engine.begin() as connection:
        connection.execute(
            text(
                "insert into eventpulse.batches"
                " (batch_id, origin, taken, stored, duplicates, dead_lettered, started_at)"
                " values (7, 'live', 3, 2, 1, 0, now())"
            )
        )
        connection.execute(
            text("insert into eventpulse.events values (:id, 'a', 'b', :at, :at, 0, 7, 'live', '{\"n\": 1.0}', '{}')"),
            {"id": event_id, "at": NOON},
        )
    anomaly_id = store(
        rule_id=UUID(rule["rule_id"]), batch_id=7, dagster_run_id="run-1", contributing=[event_id, uuid4()]
    )

    answer = api.get(f"anomalies/{anomaly_id}").json()

    assert (answer["rule_name"], answer["rule"]["window_seconds"]) == ("too many", 60)
    assert [event["event_id"] for event in answer["events"]] == [str(event_id)]
    assert (answer["batch"]["batch_id"], answer["batch"]["duplicates"]) == (7, 1)
    assert answer["dagster_run_url"] == "http://127.0.0.1:3001/runs/run-1"


@pytest.mark.parametrize("anomaly_id", ["nothing", str(UUID(int=0))])
def test_an_anomaly_that_is_not_there_is_404(api: TestClient, anomaly_id: str) -> None:
    answer = api.get(f"anomalies/{anomaly_id}")

    assert (answer.status_code, answer.json()) == (404, {"error": "Anomaly not found"})
