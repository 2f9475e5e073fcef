"""The built-in pack comes into a new database once, and leaves people's decisions alone."""

from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from eventpulse.cli.builtin_rules import builtin_rules, install_builtin_rules

OF_OLD = ["invalid-payload", "rate-spike", "timestamp-drift", "zscore-count-spike"]
ABOUT_ITSELF = [
    *("eventpulse-channel-dead", "eventpulse-dead-letters", "eventpulse-drain-missing", "eventpulse-lag"),
    *("eventpulse-ledger-unbalanced", "eventpulse-rule-failed", "eventpulse-run-failed"),
]


def test_a_new_database_gets_the_pack_once(engine: Engine, api: TestClient) -> None:
    assert sorted(install_builtin_rules(engine)) == sorted([*OF_OLD, *ABOUT_ITSELF])
    shown = {rule["name"]: rule for rule in api.get("rules").json()}
    assert {name for name, rule in shown.items() if rule["enabled"]} == {"zscore-count-spike", *ABOUT_ITSELF}
    assert {rule["rule_id"] for rule in shown.values()} == {str(rule.rule_id) for rule in builtin_rules()}
    assert install_builtin_rules(engine) == []


def test_what_people_decide_about_a_built_in_rule_stands(engine: Engine, api: TestClient) -> None:
    install_builtin_rules(engine)
    ids = {rule["name"]: rule["rule_id"] for rule in api.get("rules").json()}
    api.delete(f"rules/{ids['rate-spike']}")
    api.patch(f"rules/{ids['timestamp-drift']}", json={"enabled": True})

    assert install_builtin_rules(engine) == []

    shown = {rule["name"]: rule["enabled"] for rule in api.get("rules").json() if rule["name"] in OF_OLD}
    assert shown == {"invalid-payload": False, "timestamp-drift": True, "zscore-count-spike": True}


def test_a_name_that_is_taken_stays_with_its_rule(engine: Engine, api: TestClient) -> None:
    mine = {"name": "rate-spike", "severity": "info", "condition": {"type": "match"}}
    mine_id = api.post("rules", json=mine).json()["rule_id"]
    assert "rate-spike" not in install_builtin_rules(engine)
    assert mine_id in [rule["rule_id"] for rule in api.get("rules").json()]


def test_an_installation_from_before_a_rule_was_built_in_gets_it_once(engine: Engine, api: TestClient) -> None:
    install_builtin_rules(engine)
    with engine.begin() as connection:  # as if it had never had them
        for table in ("rules", "rule_versions"):
            connection.execute(text(f"delete from eventpulse.{table} where name like 'eventpulse-%'"))

    assert sorted(install_builtin_rules(engine)) == ABOUT_ITSELF

    ids = {rule["name"]: rule["rule_id"] for rule in api.get("rules").json()}
    api.delete(f"rules/{ids['eventpulse-lag']}")
    assert install_builtin_rules(engine) == []
