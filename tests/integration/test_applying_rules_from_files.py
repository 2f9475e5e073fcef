"""Files of rules become the rules that stand, once and for all, and come back as files."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from eventpulse.cli import rules as command
from eventpulse.cli.main import app
from eventpulse.cli.rule_api import RuleApi
from rules.rule import read_rule

BRUTE_FORCE = {
    "name": "brute force",
    "severity": "critical",
    "window_seconds": 60,
    "condition": {"type": "threshold", "metric": "count", "operator": ">", "value": 5},
}


@pytest.fixture(autouse=True)
def the_api_of_this_test(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "open_rule_api", lambda url, key: nullcontext(RuleApi(api, "http://127.0.0.1")))  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(
        "name: brute force\nseverity: critical\nwindow_seconds: 60\n"
        'condition: {type: threshold, metric: count, operator: ">", value: 5}\n'
        "---\nname: quiet\nseverity: info\ncondition: {type: match}\n"
    )
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["rules", *map(str, arguments)])


def test_applying_twice_changes_nothing_the_second_time(api: TestClient, folder: Path) -> None:
    assert "2 new, 0 changed, 0 same, 0 removed.\nApplied." in run("apply", folder, "--yes").stdout
    standing = api.get("rules").json()
    assert run("apply", folder, "--yes").stdout == "0 new, 0 changed, 2 same, 0 removed.\n"
    assert api.get("rules").json() == standing
    assert {rule["rule_id"] for rule in standing} >= {str(read_rule(BRUTE_FORCE).rule_id)}


def test_the_difference_is_shown_before_anything_changes(api: TestClient, folder: Path) -> None:
    run("apply", folder, "--yes")
    file = folder / "rules.yaml"
    file.write_text(file.read_text().replace("value: 5", "value: 7"))
    refused = CliRunner().invoke(app, ["rules", "apply", str(folder)], input="n\n")
    assert '~ changed "brute force"' in refused.stdout
    assert "    -  value: 5\n    +  value: 7\n" in refused.stdout
    values = [rule["condition"].get("value") for rule in api.get("rules").json()]
    assert 5 in values
    run("apply", folder, "--yes")
    assert 7 in [rule["condition"].get("value") for rule in api.get("rules").json()]


def test_a_rule_made_in_the_browser_is_the_same_rule_by_its_name(api: TestClient, folder: Path) -> None:
    made = api.post("rules", json=BRUTE_FORCE).json()
    assert "1 new, 0 changed, 1 same" in run("apply", folder, "--yes").stdout
    assert made["rule_id"] in [rule["rule_id"] for rule in api.get("rules").json()]


def test_a_rule_with_an_id_may_change_its_name(api: TestClient, tmp_path: Path) -> None:
    made = api.post("rules", json=BRUTE_FORCE).json()
    run("export", tmp_path)
    file = tmp_path / "brute-force.yaml"
    file.write_text(file.read_text().replace("name: brute force", "name: ssh brute force"))
    run("apply", tmp_path, "--yes")
    assert [(rule["name"], rule["rule_id"]) for rule in api.get("rules").json()] == [
        ("ssh brute force", made["rule_id"])
    ]


def test_rules_in_no_file_stay_unless_pruned(api: TestClient, folder: Path) -> None:
    api.post("rules", json={**BRUTE_FORCE, "name": "mine"})
    run("apply", folder, "--yes")
    assert len(api.get("rules").json()) == 3
    assert "1 removed" in run("apply", folder, "--prune", "--dry-run").stdout
    assert len(api.get("rules").json()) == 3
    run("apply", folder, "--prune", "--yes")
    assert sorted(rule["name"] for rule in api.get("rules").json()) == ["brute force", "quiet"]


def test_exported_rules_are_the_rules_that_stand(folder: Path, tmp_path: Path) -> None:
    run("apply", folder, "--yes")
    written = tmp_path / "out"
    assert run("export", written).stdout == f"Wrote 2 rules to {written}.\n"
    assert run("apply", written).stdout == "0 new, 0 changed, 2 same, 0 removed.\n"


def test_a_refusal_of_the_api_is_a_sentence(api: TestClient, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = RuleApi(api, "http://127.0.0.1/elsewhere")
    monkeypatch.setattr(command, "open_rule_api", lambda url, key: nullcontext(gone))
    result = run("apply", folder)
    assert result.exit_code == 1
    assert "refused with 404" in result.stderr


def test_an_api_that_is_not_there_is_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    result = run("apply", folder, "--url", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert "EventPulse does not answer at http://127.0.0.1:1" in result.stderr
