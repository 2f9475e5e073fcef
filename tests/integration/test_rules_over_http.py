"""Rules over HTTP: made, shown, changed and removed; refused with sentences by field; drains hear of each change."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import Engine, text

from eventpulse.settings import Settings
from eventpulse.stream.keys import RULES_CHANGED
from ingest_api.app import create_app

CONDITION = {"type": "threshold", "metric": "count", "filters": {"event_type": "login"}, "operator": ">", "value": 5}
RULE: dict[str, Any] = {"name": "too many logins", "severity": "critical", "window_seconds": 60, "condition": CONDITION}
WHOLE = {**RULE, "enabled": False, "cooldown_seconds": 30}


@pytest.fixture
def heard(redis_url: str) -> Iterator["redis.client.PubSub"]:
    """What drains hear about rules."""
    with redis.Redis.from_url(redis_url) as client, client.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(RULES_CHANGED)
        channel.get_message(timeout=5.0)
        yield channel


def made(api: TestClient, **changes: Any) -> dict[str, Any]:
    answer = api.post("rules", json={**RULE, **changes})
    assert answer.status_code == 201, answer.text
    return answer.json()


def revision(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(text("select revision from eventpulse.rule_book")).scalar_one()


def test_a_rule_is_made_with_defaults_and_shown_as_it_was_sent(api: TestClient, engine: Engine) -> None:
    condition = '{"type":"threshold","metric":"count","filters":{},  "operator":">","value":5.00}'
    body = json.dumps({key: value for key, value in RULE.items() if key != "condition"})[:-1]

    answer = api.post("rules", content=f'{body}, "condition": {condition}}}')

    assert answer.status_code == 201
    rule = answer.json()
    assert UUID(rule["rule_id"])
    assert (rule["enabled"], rule["cooldown_seconds"], rule["version"]) == (True, 0, 1)
    assert rule["created_at"] == rule["updated_at"]
    for shown in (answer, api.get(f"rules/{rule['rule_id']}"), api.get("rules")):
        assert f'"condition":{condition}' in shown.text
    assert api.get("rules").json() == [rule]
    assert api.get(f"rules/{rule['rule_id']}").json() == rule


def test_all_rules_are_listed_by_name_enabled_or_not(api: TestClient) -> None:
    assert api.get("rules").json() == []
    for name, enabled in (("b", True), ("a", False), ("c", True)):
        made(api, name=name, enabled=enabled)

    assert [(rule["name"], rule["enabled"]) for rule in api.get("rules").json()] == [
        ("a", False),
        ("b", True),
        ("c", True),
    ]


def test_a_replacement_leaves_nothing_but_the_id(api: TestClient, engine: Engine) -> None:
    rule = made(api, group_by=["payload.ip"], labels={"team": "security"})

    answer = api.put(f"rules/{rule['rule_id']}", json={**WHOLE, "name": "other"})

    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["rule_id"], changed["version"], changed["name"]) == (rule["rule_id"], 2, "other")
    assert not changed.keys() & {"group_by", "labels"}
    assert changed["created_at"] == rule["created_at"] < changed["updated_at"]
    assert api.get(f"rules/{rule['rule_id']}").json() == changed


def test_a_patch_changes_what_it_names_and_null_takes_away(api: TestClient) -> None:
    rule = made(api, group_by=["payload.ip"], labels={"team": "security"})

    patched = api.patch(f"rules/{rule['rule_id']}", json={"enabled": False, "labels": None, "window_seconds": 10})

    assert patched.status_code == 200
    shown = patched.json()
    assert shown == {
        **{key: value for key, value in rule.items() if key != "labels"},
        "enabled": False,
        "window_seconds": 10,
        "version": 2,
        "updated_at": shown["updated_at"],
    }


def test_every_version_of_a_rule_is_kept_also_when_the_rule_is_gone(api: TestClient, engine: Engine) -> None:
    rule = made(api)
    api.patch(f"rules/{rule['rule_id']}", json={"name": "second"})
    assert api.delete(f"rules/{rule['rule_id']}").status_code == 204

    with engine.connect() as connection:
        versions = connection.execute(
            text(
                "select version, name, document->>'name', semantic_hash from eventpulse.rule_versions order by version"
            )
        ).all()
    assert [row[:3] for row in versions] == [(1, "too many logins", "too many logins"), (2, "second", "second")]
    assert versions[0].semantic_hash == versions[1].semantic_hash  # a name does not change what a rule finds
    assert api.get(f"rules/{rule['rule_id']}").status_code == 404


def test_each_change_is_heard_and_raises_the_revision(
    api: TestClient, engine: Engine, heard: "redis.client.PubSub"
) -> None:
    before = revision(engine)
    rule_id = made(api)["rule_id"]
    api.patch(f"rules/{rule_id}", json={"enabled": False})
    api.put(f"rules/{rule_id}", json=WHOLE)
    api.delete(f"rules/{rule_id}")

    assert revision(engine) == before + 4
    for _ in range(4):
        message = heard.get_message(timeout=5.0)
        assert message is not None
        assert message["data"] == rule_id.encode()


def test_a_refused_change_changes_nothing(api: TestClient, engine: Engine) -> None:
    rule = made(api)
    before = revision(engine)

    assert api.patch(f"rules/{rule['rule_id']}", json={"window_seconds": 0}).status_code == 400
    assert api.put(f"rules/{rule['rule_id']}", json=RULE).status_code == 400
    assert api.post("rules", json={**RULE, "severity": "bad"}).status_code == 400

    assert revision(engine) == before
    assert api.get("rules").json() == [rule]


def test_two_changes_at_once_are_both_kept(api: TestClient) -> None:
    rule_id = made(api)["rule_id"]
    patches: list[dict[str, Any]] = [{"window_seconds": 77}, {"cooldown_seconds": 88}, {"severity": "info"}] * 5

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda patch: api.patch(f"rules/{rule_id}", json=patch), patches))

    assert [answer.status_code for answer in answers] == [200] * 15
    assert sorted(answer.json()["version"] for answer in answers) == list(range(2, 17))
    rule = api.get(f"rules/{rule_id}").json()
    assert (rule["window_seconds"], rule["cooldown_seconds"], rule["severity"]) == (77, 88, "info")


def test_names_are_unique(api: TestClient) -> None:
    first, second = made(api), made(api, name="second")

    taken = [
        api.post("rules", json=RULE),
        api.patch(f"rules/{second['rule_id']}", json={"name": first["name"]}),
        api.put(f"rules/{second['rule_id']}", json=WHOLE),
    ]

    for answer in taken:
        assert answer.status_code == 409
        assert answer.json() == {"error": 'There is a rule named "too many logins" already; names are unique.'}
    assert api.patch(f"rules/{first['rule_id']}", json={"name": first["name"]}).status_code == 200


def test_a_rule_may_bring_its_id_once(api: TestClient) -> None:
    rule_id = str(uuid4())

    assert made(api, rule_id=rule_id.upper())["rule_id"] == rule_id
    assert api.post("rules", json={**RULE, "name": "other", "rule_id": rule_id}).status_code == 409
    bad = api.post("rules", json={**RULE, "name": "other", "rule_id": "7"})
    assert bad.json() == {"error": {"formErrors": [], "fieldErrors": {"rule_id": ["Invalid uuid"]}}}


def test_what_the_api_shows_can_be_sent_back(api: TestClient) -> None:
    rule = made(api, cooldown_seconds=5)

    answer = api.put(f"rules/{rule['rule_id']}", json=rule)

    assert answer.status_code == 200, answer.text
    assert {**answer.json(), "version": 1, "updated_at": rule["updated_at"]} == rule


def test_a_rule_without_a_window_is_shown_with_the_one_it_has(api: TestClient) -> None:
    match = {"name": "m", "severity": "info", "condition": {"type": "match", "filters": {"event_type": "x"}}}
    slow = {"name": "s", "severity": "info", "condition": {"type": "deviation", "value": 3, "bucket_seconds": 300}}

    assert api.post("rules", json=match).json()["window_seconds"] == 60
    assert api.post("rules", json=slow).json()["window_seconds"] == 300


def test_every_fault_is_a_sentence_under_its_field(api: TestClient) -> None:
    answer = api.post(
        "rules",
        json={
            "severity": "loud",
            "window_seconds": 0,
            "condition": {**CONDITION, "filters": {"where": "payload.user <> 'x' and"}, "operator": "~"},
        },
    )

    assert answer.status_code == 400
    said = answer.json()["error"]
    assert said["formErrors"] == []
    assert said["fieldErrors"].keys() == {"name", "severity", "window_seconds", "condition"}
    assert len(said["fieldErrors"]["condition"]) == 2
    assert any(sentence.startswith("filters.where, column ") for sentence in said["fieldErrors"]["condition"])


@pytest.mark.parametrize(
    ("method", "body", "error"),
    [
        ("PATCH", "{}", {"formErrors": ["At least one field must be provided"], "fieldErrors": {}}),
        ("PATCH", '{"version": 7}', {"formErrors": ["At least one field must be provided"], "fieldErrors": {}}),
        (
            "PUT",
            '{"name": "x", "enabled": null}',
            {
                "formErrors": [],
                "fieldErrors": {
                    field: ["Required"]
                    for field in ("enabled", "severity", "window_seconds", "cooldown_seconds", "condition")
                },
            },
        ),
        ("PATCH", "[]", {"formErrors": ["A rule must be a JSON object"], "fieldErrors": {}}),
        ("PATCH", "null", {"formErrors": ["A rule must be a JSON object"], "fieldErrors": {}}),
        (
            "PATCH",
            '{"name": "a\\u0000b"}',
            {"formErrors": [], "fieldErrors": {"name": ["Must not contain NUL characters"]}},
        ),
    ],
)
def test_a_body_that_cannot_be_read_is_400(api: TestClient, method: str, body: str, error: dict[str, Any]) -> None:
    rule_id = made(api)["rule_id"]

    answer = api.request(method, f"rules/{rule_id}", content=body)

    assert (answer.status_code, answer.json()) == (400, {"error": error})


@pytest.mark.parametrize("body", [b"", b"{", b"\xff{}", b"{" * 100_000, b'{"name":' + b"[" * 90_000])
def test_bytes_that_are_no_json_are_400(api: TestClient, body: bytes) -> None:
    answer = api.post("rules", content=body)

    assert answer.status_code == 400
    assert len(answer.json()["error"]["formErrors"]) == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_an_id_must_be_a_uuid_of_a_rule(api: TestClient, method: str) -> None:
    no_uuid = api.request(method, "rules/seven", json=None if method in ("GET", "DELETE") else WHOLE)
    nobody = api.request(method, f"rules/{uuid4()}", json=None if method in ("GET", "DELETE") else WHOLE)

    assert (no_uuid.status_code, no_uuid.json()) == (400, {"error": "rule_id must be a valid UUID"})
    assert (nobody.status_code, nobody.json()) == (404, {"error": "Rule not found"})


def test_a_suspended_rule_gets_another_chance_when_it_is_edited(api: TestClient, engine: Engine) -> None:
    rule_id = made(api)["rule_id"]
    with engine.begin() as connection:
        connection.execute(
            text(
                "insert into eventpulse.rule_progress (rule_id, semantic_hash, failures, last_error, suspended_at)"
                " values (:rule_id, '', 5, 'division by zero', now())"
            ),
            {"rule_id": rule_id},
        )
    suspended = api.get(f"rules/{rule_id}").json()
    assert suspended["last_error"] == "division by zero"
    assert suspended["suspended_at"] is not None

    edited = api.patch(f"rules/{rule_id}", json={"window_seconds": 30}).json()

    assert (edited["suspended_at"], edited["last_error"]) == (None, None)


def test_a_rule_can_be_changed_while_redis_is_away(settings: Settings) -> None:
    without_redis = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})

    with TestClient(create_app(without_redis), base_url="http://127.0.0.1/api/v1/") as api:
        rule_id = made(api)["rule_id"]
        assert api.delete(f"rules/{rule_id}").status_code == 204
