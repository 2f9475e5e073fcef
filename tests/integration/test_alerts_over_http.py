"""What people see of alerts over HTTP, and what they can do about them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from eventpulse.database.alerts.alert_queries import SHOWN
from eventpulse.database.alerts.alerts import lock_unresolved, shown_alerts
from eventpulse.database.connect import open_connection

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
Store = Callable[..., str]


@pytest.fixture
def store(engine: Engine) -> Store:
    """Store one alert and give its id."""

    def store(**changes: Any) -> str:
        values: dict[str, Any] = {
            "alert_id": str(uuid4()),
            "rule_id": str(uuid4()),
            "rule_name": "too many",
            "rule_version": 1,
            "severity": "warning",
            "mode": "live",
            "labels": "{}",
            "group": "{}",
            "group_key": 0,
            "opened_at": NOON,
            "last_at": NOON,
            "anomaly_count": 1,
            "message": "5 > 3",
            "first_anomaly_id": str(uuid4()),
            "latest_anomaly_id": str(uuid4()),
            "origin": "live",
            "batch_id": 1,
            "meaning": "",
            **changes,
        }
        columns = ", ".join(f'"{name}"' for name in values)
        places = ", ".join(f":{name}" for name in values)
        with engine.begin() as connection:
            connection.execute(text(f"insert into eventpulse.alerts ({columns}) values ({places})"), values)
        return str(values["alert_id"])

    return store


def shown(api: TestClient, **query: Any) -> list[str]:
    answer = api.get("alerts", params=query)
    assert answer.status_code == 200, answer.text
    return [alert["alert_id"] for alert in answer.json()["data"]]


def outbox(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(text("select what from eventpulse.outbox order by outbox_id")).scalars())


def test_alerts_are_found_by_what_they_are(api: TestClient, store: Store) -> None:
    resolved = {"state": "resolved", "resolved_at": NOON, "resolution": "ended"}
    rule_id = str(uuid4())
    one = store(severity="critical", group='{"payload.ip":"10.0.0.1"}')
    two = store(rule_id=rule_id, state="acknowledged", acknowledged_at=NOON, opened_at=NOON + timedelta(hours=1))
    three = store(**resolved, origin="backfill")
    assert shown(api) == [three, two, one]
    assert shown(api, state="unresolved") == [two, one]
    assert shown(api, state="open") == [one]
    assert shown(api, severity="critical") == [one]
    assert shown(api, rule_id=rule_id) == [two]
    assert shown(api, group='{"payload.ip":"10.0.0.1"}') == [one]
    assert shown(api, origin="backfill") == [three]
    assert shown(api, **{"from": (NOON + timedelta(minutes=1)).isoformat()}) == [two]
    assert api.get("alerts", params={"state": "closed"}).json() == {
        "error": "state must be one of: open, acknowledged, resolved, unresolved, all"
    }
    assert api.get("alerts/summary").json() == {
        "open": {"critical": 1, "warning": 0, "info": 0},
        "acknowledged": {"critical": 0, "warning": 1, "info": 0},
    }


def test_a_cursor_leads_through_all_of_them(api: TestClient, store: Store) -> None:
    made = [store() for _ in range(5)]
    seen, cursor = [], None
    while True:
        page = api.get("alerts", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [alert["alert_id"] for alert in page["data"]]
        cursor = page["pagination"]["next"]
        store()  # what comes meanwhile is not in the way
        if cursor is None:
            break
    assert seen == made[::-1]


def test_a_person_acknowledges_takes_back_and_resolves(api: TestClient, store: Store, engine: Engine) -> None:
    alert = store()
    acknowledged = api.post(f"alerts/{alert}/acknowledge", json={"by": "ann", "note": "looking"}).json()
    assert (acknowledged["state"], acknowledged["acknowledged_by"]) == ("acknowledged", "ann")
    refused = api.post(f"alerts/{alert}/acknowledge")
    assert (refused.status_code, refused.json()) == (
        409,
        {"error": "The alert is acknowledged; it can't be acknowledged now"},
    )
    assert api.post(f"alerts/{alert}/unacknowledge").json()["acknowledged_at"] is None
    resolved = api.post(f"alerts/{alert}/resolve").json()
    assert (resolved["state"], resolved["resolution"], resolved["resolved_by"]) == ("resolved", "person", "somebody")
    assert resolved["ended_at"] is None, "nobody knows when its condition ended"

    history = api.get(f"alerts/{alert}").json()["history"]

    assert [(each["what"], each["by"], each["note"]) for each in history] == [
        ("acknowledged", "ann", "looking"),
        ("unacknowledged", "somebody", None),
        ("resolved", "somebody", None),
    ]
    assert outbox(engine) == ["acknowledged", "resolved"]


def test_many_alerts_are_changed_at_once_and_those_that_cannot_be_say_how_they_are(
    api: TestClient, store: Store, engine: Engine
) -> None:
    resolved = store(state="resolved", resolved_at=NOON, resolution="ended")
    one, two, nobody = store(), store(), str(uuid4())

    said = api.post("alerts/acknowledge", json={"alert_ids": [two, resolved, one, nobody, two], "by": "ann"}).json()

    assert said["changed"] == [two, one]
    assert said["unchanged"] == [{"alert_id": resolved, "state": "resolved"}, {"alert_id": nobody, "state": None}]
    assert {alert["acknowledged_by"] for alert in api.get("alerts?state=acknowledged").json()["data"]} == {"ann"}
    assert outbox(engine) == ["acknowledged", "acknowledged"]

    again = api.post("alerts/acknowledge", json={"alert_ids": [one]}).json()
    assert again == {"changed": [], "unchanged": [{"alert_id": one, "state": "acknowledged"}]}
    assert api.post("alerts/resolve", json={"alert_ids": [one], "note": "over"}).json()["changed"] == [one]
    assert api.get(f"alerts/{one}").json()["history"][-1]["note"] == "over"


def test_a_thousand_alerts_are_changed_in_one_transaction(api: TestClient, store: Store, engine: Engine) -> None:
    alerts = [store() for _ in range(1000)]
    assert api.post("alerts/acknowledge", json={"alert_ids": alerts}).json() == {"changed": alerts, "unchanged": []}
    with engine.connect() as connection:
        moments = connection.execute(text("select count(distinct xmin::text) from eventpulse.alerts")).scalar_one()
    assert moments == 1
    assert api.post("alerts/resolve", json={"alert_ids": [*alerts, str(uuid4())]}).status_code == 400


@pytest.mark.parametrize("ids", [[], None, "all", [7], ["x"]])
def test_many_alerts_need_ids(api: TestClient, ids: object) -> None:
    answer = api.post("alerts/acknowledge", json={"alert_ids": ids})
    assert answer.status_code == 400
    assert "alert_ids must be" in answer.json()["error"]


@pytest.mark.parametrize("body", ['{"by": 3}', "[]", '{"by": ""}', '{"who": "ann"}', "{", '{"note": "\\u0000"}'])
def test_what_cannot_be_meant_changes_nothing(api: TestClient, store: Store, body: str) -> None:
    alert = store()
    assert api.post(f"alerts/{alert}/resolve", content=body).status_code == 400
    assert api.get(f"alerts/{alert}").json()["state"] == "open"


def test_only_addresses_that_a_browser_may_follow_are_runbooks(api: TestClient, store: Store) -> None:
    good, bad = store(labels='{"runbook":"https://wiki/x"}'), store(labels='{"runbook":"javascript:alert(1)"}')
    assert api.get(f"alerts/{good}").json()["runbook"] == "https://wiki/x"
    assert api.get(f"alerts/{bad}").json()["runbook"] is None


def test_a_person_waits_for_detection_and_sees_what_it_made(
    api: TestClient, store: Store, database_url: str, engine: Engine
) -> None:
    """Two who change an alert at once: the second sees the first one's change, and neither is lost."""
    alert = store()
    with open_connection(database_url, application="tests detection") as detection:
        with detection.transaction():
            assert [row.alert_id for row in lock_unresolved(detection, [alert])] == [alert]
            with open_connection(database_url, application="tests person") as person:
                person.execute("set lock_timeout = '100ms'")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    person.execute("select from eventpulse.alerts where alert_id = %s for update", (alert,))
            detection.execute(
                "update eventpulse.alerts set state = 'resolved', resolution = 'ended', resolved_at = now()"
                " where alert_id = %s",
                (alert,),
            )
        assert api.post(f"alerts/{alert}/acknowledge").status_code == 409
        other = store()
        assert api.post(f"alerts/{other}/resolve").status_code == 200
        with detection.transaction():
            assert lock_unresolved(detection, [other]) == [], "what a person has resolved is not resolved again"


def test_the_websocket_shows_what_http_shows(store: Store, database_url: str) -> None:
    alert = store()
    with open_connection(database_url, application="tests") as connection:
        [row] = shown_alerts(connection, [alert]).values()
    assert list(row) == [column.name for column in SHOWN]
