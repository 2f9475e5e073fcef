"""A run evaluates the enabled rules; one that cannot be read says why, and harms no other."""

import psycopg
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from pipelines.read_rules import read_rules


def made(api: TestClient, name: str, condition: dict[str, object], **more: object) -> str:
    answer = api.post("rules", json={"name": name, "severity": "info", "condition": condition, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["rule_id"])


def test_a_composite_has_members_that_are_not_enabled_themselves(api: TestClient, database_url: str) -> None:
    made(api, "a", {"type": "match"}, enabled=False)
    made(api, "b", {"type": "match"})
    made(api, "both", {"type": "composite", "expression": "a and b"})
    with psycopg.connect(database_url) as connection:
        rules, faults = read_rules(connection)
    assert faults == {}
    assert [(rule.name, [member.name for member in rule.members]) for rule in rules] == [
        ("b", []),
        ("both", ["a", "b"]),
    ]


def test_a_rule_that_cannot_be_read_any_more_says_why(api: TestClient, database_url: str, engine: Engine) -> None:
    broken, fine = made(api, "broken", {"type": "match"}), made(api, "fine", {"type": "match"})
    member = made(api, "member", {"type": "match"})
    lonely = made(api, "lonely", {"type": "composite", "expression": "member"})
    api.delete(f"rules/{member}")
    with engine.begin() as connection:
        connection.execute(text("update eventpulse.rules set document = '{}' where rule_id = :id"), {"id": broken})
    with psycopg.connect(database_url) as raw:
        rules, faults = read_rules(raw)
    assert [str(rule.rule_id) for rule in rules] == [fine]
    assert {str(rule_id) for rule_id in faults} == {broken, lonely}
    assert 'There is no rule "member"' in str(faults)
