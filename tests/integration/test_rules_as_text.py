"""POST /rules/text reads a rule as people write it, and says in which line and column something is wrong."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

TEXT = """\
# who tries passwords
name: brute force
severity: critical
window_seconds: 60
condition:
  type: threshold
  metric: count
  operator: ">"
  value: 5
  filters: {where: "payload.user <> 'backup'"}
"""


def read(api: TestClient, **body: Any) -> dict[str, Any]:
    answer = api.post("rules/text", json=body)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def test_a_text_becomes_the_rule_and_the_rule_the_text_again(api: TestClient) -> None:
    read_once = read(api, text=TEXT)

    assert (read_once["valid"], read_once["faults"]) == (True, [])
    assert read_once["rule"]["condition"]["filters"] == {"where": "payload.user <> 'backup'"}
    assert read(api, rule=read_once["rule"]) == read_once == read(api, text=read_once["yaml"])
    assert api.post("rules", json=read_once["rule"]).status_code == 201


def test_json_is_read_like_yaml(api: TestClient) -> None:
    rule = read(api, text=TEXT)["rule"]

    assert read(api, text='{"name": "x",\n "severity": "info", "condition": {"type": "match"}}')["valid"]
    assert read(api, text=json.dumps(rule, indent=1))["rule"] == rule


@pytest.mark.parametrize(
    ("wrong", "right", "line", "column", "message"),
    [
        ("severity: critical", "severity: fatal", 3, 11, "fatal"),
        ("payload.user <> 'backup'", "payload.user <> back", 10, 37, 'There is no "back"'),
        ("window_seconds: 60", "window: 60", 4, 1, ""),
        ("value: 5", "value: many", 9, 10, "many"),
        ("name: brute force\n", "", 2, 1, ""),
        ("metric: count", "metric: [count", 8, 11, ""),
        ("# who", "name: a\n# who", 3, 1, "stands twice"),
    ],
)
def test_each_fault_has_its_place_in_the_text(
    api: TestClient, wrong: str, right: str, line: int, column: int, message: str
) -> None:
    said = read(api, text=TEXT.replace(wrong, right, 1))

    assert not said["valid"]
    assert (said["faults"][0]["line"], said["faults"][0]["column"]) == (line, column), said
    assert message in said["faults"][0]["message"]


@pytest.mark.parametrize(
    "text",
    [
        *("", "5", "- name: a\n- name: b", "a: &x [1]\nb: *x", "a: &x [*x]", "\x07", "a: !!python/name:os.system"),
        *('a: "\\ud800"', "a: 1e999", "[" * 5000, "a: " * 50_000, "? {a: b}\n: c", "%YAML 9.9\n---\na: b"),
    ],
)
def test_a_text_that_is_no_rule_is_told_so(api: TestClient, text: str) -> None:
    said = read(api, text=text)

    assert not said["valid"]
    assert said["faults"]


@pytest.mark.parametrize("body", [{}, {"text": TEXT, "rule": {}}, {"text": 5}, {"rule": []}, []])
def test_a_body_without_text_or_rule_is_400(api: TestClient, body: Any) -> None:
    assert api.post("rules/text", json=body).status_code == 400
