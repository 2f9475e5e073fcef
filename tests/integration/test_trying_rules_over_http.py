"""A rule can be tried before it is stored, and every version it had can be read."""

from typing import Any
from uuid import uuid4

from fastapi.testclient import TestClient

from rules.rule import read_rule

RULE: dict[str, Any] = {
    "name": "too many logins",
    "severity": "critical",
    "window_seconds": 60,
    "group_by": ["payload.ip"],
    "condition": {"type": "threshold", "metric": "count", "operator": ">", "value": 1},
}
EVENTS = [{"repeat": 2, "event_type": "login", "every_seconds": 5, "payload": {"ip": "10.0.0.1"}}]
PASSES = {"name": "two", "events": EVENTS, "expect": [{"at_seconds": 5, "group": {"payload.ip": "10.0.0.1"}}]}
FAILS = {"name": "one", "events": EVENTS, "expect": []}


def test_validation_says_what_a_rule_means_and_stores_nothing(api: TestClient) -> None:
    answer = api.post("rules/validate", json=RULE)
    assert answer.status_code == 200
    rule = read_rule(RULE)
    assert answer.json() == {
        "valid": True,
        "rule_id": str(rule.rule_id),
        "semantic_hash": rule.semantic_hash,
        "paths": ["payload.ip"],
        "tests": None,
    }
    assert api.get("rules").json() == []


def test_a_refusal_names_the_place_of_each_fault(api: TestClient) -> None:
    condition = {**RULE["condition"], "filters": {"where": "payload.a ="}, "value": "1"}
    answer = api.post("rules/validate", json={**RULE, "condition": condition})
    assert answer.status_code == 400
    places = [(issue["path"], issue["column"]) for issue in answer.json()["issues"]]
    assert places == [(["condition", "filters", "where"], 11), (["condition", "value"], None)]
    assert answer.json()["error"]["fieldErrors"]["condition"][0].startswith("filters.where, column 11: ")
    assert api.post("rules", json={**RULE, "condition": condition}).json() == {"error": answer.json()["error"]}
    assert api.post("rules/validate", content="7").json()["issues"][0]["path"] == []


def test_tests_of_a_rule_run_when_they_are_asked_for(api: TestClient) -> None:
    answer = api.post("rules/validate?test=true", json={**RULE, "tests": [PASSES, FAILS]})
    passed, failed = answer.json()["tests"]
    assert passed == {"test": "two", "passed": True, "problems": []}
    assert failed["passed"] is False
    assert "nobody expects at 5 s for payload.ip=10.0.0.1" in failed["problems"][0]


def test_a_rule_whose_tests_fail_is_not_made_where_they_are_asked_for(api: TestClient) -> None:
    assert api.post("rules?test=true", json={**RULE, "tests": [PASSES]}).status_code == 201
    answer = api.post("rules?test=true", json={**RULE, "name": "other", "tests": [PASSES, FAILS]})
    assert answer.status_code == 400
    assert "1: one: an anomaly that nobody expects" in answer.json()["error"]["fieldErrors"]["tests"][0]
    assert len(api.get("rules").json()) == 1
    assert api.post("rules", json={**RULE, "name": "other", "tests": [PASSES, FAILS]}).status_code == 201


def test_a_composite_names_rules_that_are_there(api: TestClient) -> None:
    composite = {"name": "both", "severity": "info", "condition": {"type": "composite", "expression": "a and not b"}}
    for path in ("rules/validate", "rules"):
        answer = api.post(path, json=composite)
        assert answer.status_code == 400
        assert 'There is no rule "b"' in answer.json()["error"]["fieldErrors"]["condition"][1]
    for name in ("a", "b"):
        api.post("rules", json={**RULE, "name": name, "group_by": []})
    both = api.post("rules", json=composite)
    assert both.status_code == 201
    circle = {"condition": {"type": "composite", "expression": "both"}}
    refused = api.patch(f"rules/{both.json()['rule_id']}", json=circle)
    assert "leads back to itself" in refused.json()["error"]["fieldErrors"]["condition"][0]


def test_every_version_of_a_rule_can_be_read_also_after_its_end(api: TestClient) -> None:
    rule_id = api.post("rules", json=RULE).json()["rule_id"]
    api.patch(f"rules/{rule_id}", json={"window_seconds": 90})
    api.delete(f"rules/{rule_id}")

    versions = api.get(f"rules/{rule_id}/versions").json()

    assert [(one["version"], one["rule"]["window_seconds"]) for one in versions] == [(2, 90), (1, 60)]
    assert versions[0]["semantic_hash"] != versions[1]["semantic_hash"]
    assert versions[1]["rule"] == RULE


def test_versions_of_no_rule_are_not_found(api: TestClient) -> None:
    assert api.get(f"rules/{uuid4()}/versions").json() == {"error": "Rule not found"}
    assert api.get("rules/seven/versions").status_code == 400
