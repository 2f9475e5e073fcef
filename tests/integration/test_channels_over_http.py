"""Channels, silences and inhibitions over HTTP: what goes in, what comes out, and that no address ever does."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from eventpulse.clock import utc_now
from eventpulse.database.connect import open_connection
from eventpulse.database.events.retention import remove_deliveries
from tests.alerts_in_database import open_alerts
from tests.receivers import http_receiver, mailbox

TOKEN = "TIiajkdnlazkcOXrIdevi7a"
SLACK = f"slack://T1JJ3T3L2/A1BRTD4JD/{TOKEN}/#ops"
WEBHOOK = {"name": "hook", "kind": "webhook", "url": f"https://example.com/{TOKEN}", "secret": f"{TOKEN} of the hook"}


def make(api: TestClient, **document: Any) -> dict[str, Any]:
    answer = api.post("channels", json={"name": "ops", "url": SLACK, **document})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_channel_is_shown_with_defaults_and_without_its_address(api: TestClient, engine: Engine) -> None:
    made = make(api, matcher={"severity": "critical"})

    assert made["url"] == "slack://***"
    assert (made["state"], made["group_by"], made["max_per_minute"]) == ("ok", ["rule"], 20)
    assert (made["matcher"], made["send_resolved"], made["time_zone"]) == ({"severity": "critical"}, True, "UTC")
    assert api.get(f"channels/{made['channel_id']}").json() == made
    assert api.get("channels").json() == [made]
    with engine.connect() as connection:
        stored = connection.execute(text("select c::text from eventpulse.channels c")).scalar_one()
    assert TOKEN not in stored and TOKEN.encode().hex() not in stored


def test_no_answer_about_a_channel_has_its_secrets(api: TestClient) -> None:
    made = make(api, **WEBHOOK)
    path = f"channels/{made['channel_id']}"
    answers = [
        api.get(path),
        api.put(path, json={**WEBHOOK, "enabled": False}),
        api.patch(path, json={"name": "other"}),
        api.patch(path, json={"url": f"ftp://{TOKEN}"}),
        api.patch(path, json={"kind": "apprise", "url": f"nothing://{TOKEN}"}),
        api.post("channels", json={**WEBHOOK, "name": "other"}),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 400, 400, 409]
    assert not any(TOKEN in answer.text for answer in answers)


def test_an_address_stays_when_it_is_left_out_or_given_back_as_shown(api: TestClient) -> None:
    with http_receiver() as receiver:
        made = make(api, name="hook", kind="webhook", url=receiver.url, secret="a secret of the hook")
        path = f"channels/{made['channel_id']}"
        shown = api.patch(path, json={"group_wait_seconds": 0, "time_zone": "Europe/Berlin"}).json()
        assert (shown["group_wait_seconds"], shown["time_zone"], shown["url"]) == (0, "Europe/Berlin", "http://***")
        assert api.put(path, json={**shown, "max_per_minute": 3}).json()["max_per_minute"] == 3
        assert api.patch(path, json={"group_wait_seconds": None}).json()["group_wait_seconds"] == 10

        assert api.post(f"{path}/test").json()["state"] == "sent"
    assert len(receiver.received) == 1


def test_a_test_really_sends_and_is_kept(api: TestClient) -> None:
    with mailbox() as box:
        made = make(api, url=box.url)
        sent = api.post(f"channels/{made['channel_id']}/test").json()
        box.refuse = "550 nobody here"
        failed = api.post(f"channels/{made['channel_id']}/test").json()

    (mail,) = box.mails
    assert mail["subject"] == "Test of channel ops" == sent["subject"]
    assert (sent["state"], sent["kind"], sent["attempts"]) == ("sent", "test", 1)
    assert failed["state"] == "failed" and "550" in failed["last_error"]
    kept = api.get("deliveries", params={"channel_id": made["channel_id"]}).json()["data"]
    assert [each["state"] for each in kept] == ["failed", "sent"]
    assert api.get(f"deliveries/{sent['delivery_id']}").json() == sent
    of_an_alert = api.get("deliveries", params={"alert_id": str(uuid4())})
    assert (of_an_alert.status_code, of_an_alert.json()["data"]) == (200, [])
    assert api.get(f"channels/{made['channel_id']}").json()["failures"] == 0, "a test changes nothing else"


def test_a_channel_that_cannot_be_is_refused_with_a_sentence(api: TestClient) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"name": ""}, "name must be a text"),
        ({"url": "nothing"}, "Apprise knows no service"),
        ({"url": None}, "must be texts"),
        ({"kind": "webhook", "url": "https://example.com/"}, "secret of a webhook"),
        ({"secret": "0123456789abcdef"}, "secret is for webhooks"),
        ({"matcher": {"sevrity": "critical"}}, "matcher.sevrity is not known"),
        ({"active_hours": [{"from": "8", "to": "9"}]}, "time of day"),
        ({"time_zone": "Mars"}, "Europe/Berlin"),
        ({"max_per_minute": 0}, "max_per_minute must be"),
        ({"colour": "red"}, "colour is not known"),
        ({"url": "pagerduty://A1BRTD4JD@TIiajkdnlazkcOXrIdevi7", "send_resolved": True}, "must be false here"),
    ]
    for document, sentence in cases:
        answer = api.post("channels", json={"name": "ops", "url": SLACK, **document})
        assert answer.status_code == 400 and sentence in answer.json()["error"], document
    assert api.get("channels").json() == []


def test_a_service_that_cannot_take_resolutions_gets_none(api: TestClient) -> None:
    assert make(api, url="pagerduty://A1BRTD4JD@TIiajkdnlazkcOXrIdevi7")["send_resolved"] is False


def test_a_body_that_is_no_object_is_refused(api: TestClient) -> None:
    for body in (b"", b"[]", b"{", b'{"name": "a\\u0000"}', b'{"name": "\\ud800"}', b"\xff"):
        for path in ("channels", "silences", "silences/preview", "inhibitions"):
            assert api.post(path, content=body).status_code == 400, (path, body)


def test_names_are_unique_and_what_is_removed_is_gone(api: TestClient) -> None:
    made = make(api)
    assert api.post("channels", json={"name": "ops", "url": SLACK}).status_code == 409
    other = make(api, name="other")
    assert api.patch(f"channels/{other['channel_id']}", json={"name": "ops"}).status_code == 409
    assert api.delete(f"channels/{made['channel_id']}").status_code == 204
    for missing in (made["channel_id"], str(UUID(int=1)), "none"):
        assert api.get(f"channels/{missing}").status_code == 404
        assert api.delete(f"channels/{missing}").status_code == 404
        assert api.patch(f"channels/{missing}", json={"name": "x"}).status_code == 404
        assert api.post(f"channels/{missing}/test").status_code == 404


def test_a_silence_has_an_owner_a_reason_and_an_end(api: TestClient) -> None:
    until = (utc_now() + timedelta(hours=1)).isoformat()
    sent = {"matcher": {"rule": "ssh*"}, "reason": "maintenance", "ends_at": until}
    made = api.post("silences", json=sent)
    later = api.post("silences", json={**sent, "owner": "ada", "starts_at": until, "ends_at": "2999-01-01T00:00:00Z"})

    assert (made.status_code, made.json()["owner"], made.json()["state"]) == (201, "somebody", "active")
    assert (later.json()["owner"], later.json()["state"]) == ("ada", "pending")
    assert [each["state"] for each in api.get("silences").json()] == ["pending", "active"]
    path = f"silences/{made.json()['silence_id']}"
    assert api.delete(path).json()["state"] == "expired"
    assert api.get(path).json()["state"] == "expired"
    assert api.delete(f"silences/{later.json()['silence_id']}").json()["state"] == "expired"
    assert api.get("silences", params={"state": "active"}).json() == []


def test_a_silence_that_makes_no_sense_is_refused(api: TestClient) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"ends_at": "2020-01-01T00:00:00Z"}, "must lie ahead"),
        ({"ends_at": "soon"}, "ends_at must be a valid"),
        ({"reason": " "}, "reason must be a text"),
        ({"matcher": None}, "matcher must be an object"),
        ({"starts_at": "2998-01-01T00:00:00Z"}, "after starts_at"),
        ({"until": "x"}, "until is not known"),
    ]
    for changes, sentence in cases:
        sent = {"matcher": {}, "reason": "maintenance", "ends_at": "2900-01-01T00:00:00Z", **changes}
        answer = api.post("silences", json=sent)
        assert (answer.status_code, sentence in answer.json()["error"]) == (400, True), changes


def test_a_preview_says_what_a_silence_would_have_hidden(api: TestClient, database_url: str) -> None:
    with open_connection(database_url, application="tests") as connection:
        open_alerts(connection, 1, 2, 3)
        open_alerts(connection, 4, severity="info", rule_name="slow pages")
        open_alerts(connection, 5, mode="shadow")

    preview = api.post("silences/preview", json={"matcher": {"not": {"group": {"payload.ip": "10.0.0.3"}}}}).json()

    assert (preview["alerts"], preview["messages"]) == (3, 0)
    assert preview["by_rule"] == {"ssh brute force": 2, "slow pages": 1}
    assert {each["group"]["payload.ip"] for each in preview["newest"]} == {"10.0.0.1", "10.0.0.2", "10.0.0.4"}


def test_deliveries_are_found_by_their_alert_and_page_by_page(api: TestClient, database_url: str) -> None:
    with open_connection(database_url, application="tests") as connection:
        for number in (1, 2, 3):
            connection.execute(
                "insert into eventpulse.deliveries (channel_name, kind, state, reason, alert_ids)"
                " values ('', 'firing', 'held', 'no channel matches', array[%s, %s]::uuid[])",
                (UUID(int=number), UUID(int=9)),
            )

    assert len(api.get("deliveries", params={"alert_id": str(UUID(int=9))}).json()["data"]) == 3
    (one,) = api.get("deliveries", params={"alert_id": str(UUID(int=2)), "state": "held"}).json()["data"]
    assert (one["reason"], one["alerts"], one["channel_id"]) == ("no channel matches", 2, None)
    first = api.get("deliveries", params={"limit": 2}).json()
    rest = api.get("deliveries", params={"limit": 2, "cursor": first["pagination"]["next"]}).json()
    ids = [each["alert_ids"][0] for page in (first, rest) for each in page["data"]]
    assert ids == [str(UUID(int=number)) for number in (3, 2, 1)] and rest["pagination"]["next"] is None
    assert api.get("deliveries", params={"state": "lost"}).status_code == 400
    assert api.get("deliveries/none").status_code == 404
    with open_connection(database_url, application="tests") as connection:
        connection.execute("update eventpulse.deliveries set due_at = now() where %s = any(alert_ids)", (UUID(int=1),))
        assert remove_deliveries(connection, utc_now() - timedelta(days=1)) == 0
        assert remove_deliveries(connection, utc_now() + timedelta(days=1)) == 2, "what is looked at again stays"


def test_an_inhibition_is_kept_until_it_is_removed(api: TestClient) -> None:
    sent = {"source": {"rule": "host down"}, "target": {"severity": "warning"}, "equal": ["group.host"]}
    made = api.post("inhibitions", json=sent)

    assert made.status_code == 201 and {key: made.json()[key] for key in sent} == sent
    assert api.get("inhibitions").json() == [made.json()]
    assert api.post("inhibitions", json={**sent, "equal": ["host"]}).status_code == 400
    assert api.delete(f"inhibitions/{made.json()['inhibition_id']}").status_code == 204
    assert api.delete(f"inhibitions/{made.json()['inhibition_id']}").status_code == 404
