"""Rules in files: read as JSON would be, with the place of every fault, and their tests run."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from eventpulse.cli.main import app
from eventpulse.rule_file import UnreadableFile, read_rule_file

GOOD = """\
- name: brute force
  severity: critical
  window_seconds: 60
  group_by: [payload.ip]
  condition: {type: threshold, metric: count, operator: ">", value: 1, filters: {where: "payload.user <> 'backup'"}}
  tests:
    - name: two in a minute
      events: [{repeat: 2, every_seconds: 5, event_type: failed, payload: {ip: 10.0.0.1, user: root}}]
      expect: [{group: {payload.ip: 10.0.0.1}, at_seconds: 5}]
- name: quiet
  severity: info
  condition: {type: match}
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["rules", *map(str, arguments)])


def documents(tmp_path: Path, text: str) -> list[object]:
    file = tmp_path / "rules.yaml"
    file.write_text(text, encoding="utf-8")
    return [found.document for found in read_rule_file(file)]


def test_a_file_holds_one_rule_a_list_or_several_documents(tmp_path: Path) -> None:
    assert documents(tmp_path, "name: a") == [{"name": "a"}]
    assert documents(tmp_path, "- name: a\n- name: b") == [{"name": "a"}, {"name": "b"}]
    assert documents(tmp_path, "name: a\n---\nname: b\n---\n") == [{"name": "a"}, {"name": "b"}]
    assert documents(tmp_path, "# nothing yet\n") == []


def test_yaml_has_the_types_of_json_and_no_others(tmp_path: Path) -> None:
    text = "{a: yes, b: on, c: 12:30, d: 2026-01-05, e: 010, f: 1.5e3, g: -7, h: true, i: ~, j: .inf, k: 0x1f, on: 1}"
    assert documents(tmp_path, text) == [
        {"a": "yes", "b": "on", "c": "12:30", "d": "2026-01-05", "e": "010", "f": 1500.0, "g": -7, "h": True, "i": None}
        | {"j": ".inf", "k": "0x1f", "on": 1}
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("name: a\nname: b\n", "2:1: the key"),
        ("name: [a\n", "2:1"),
        ("a: !!python/object/apply:os.system [ls]\n", "1:4"),
        ("? [a]\n: b\n", "1:3"),
        ("name: \x01\n", "1:1"),
        ("# mine\nrules:\n- name: a\n", '2:1: rules do not stand under "rules"'),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        documents(tmp_path, text)
    assert f"rules.yaml:{place}" in str(refused.value)


def test_a_fault_names_file_line_column_rule_and_key(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(
        'name: wrong\nseverty: info\nwindow_seconds: 60\ncondition:\n  type: match\n  filters: {where: "payload.a ="}\n'
    )
    result = run("lint", tmp_path)
    assert result.exit_code == 1
    assert f'{file}:2:1: rule "wrong": severty: There is no "severty" here. Did you mean "severity"?' in result.stderr
    assert f'{file}:6:31: rule "wrong": condition.filters.where, column 11: ' in result.stderr
    assert result.stderr.endswith("3 faults in 1 file.\n")


def test_one_name_stands_once_in_all_files(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml"):
        (tmp_path / name).write_text("name: twice\nseverity: info\ncondition: {type: match}\n")
    result = run("lint", tmp_path)
    assert f'b.yml:1:7: rule "twice": this name is taken at {tmp_path}/a.yaml:1:7.' in result.stderr


def test_a_composite_finds_its_rules_in_other_files(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("name: one\nseverity: info\ncondition: {type: match}\n")
    both = tmp_path / "both.yaml"
    both.write_text('name: both\nseverity: info\ncondition: {type: composite, expression: "one and two"}\n')
    assert (
        f'{both}:3:51: rule "both": condition.expression, column 9: There is no rule "two".'
        in run("lint", tmp_path).stderr
    )
    (tmp_path / "two.yaml").write_text("name: two\nseverity: info\ncondition: {type: match}\n")
    assert run("lint", tmp_path).stdout == "3 rules in 3 files, no fault.\n"


def test_the_tests_of_rules_run(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(GOOD)
    result = run("test", file)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        '✓ "brute force": two in a minute',
        '- "quiet" carries no test',
        "1 test of 2 rules, 0 failed.",
    ]


def test_a_test_that_fails_says_what_was_expected_and_what_was_found(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(GOOD.replace("at_seconds: 5}]", "at_seconds: 6}]"))
    result = run("test", file)
    assert result.exit_code == 1
    assert "    an anomaly that nobody expects at 5 s for payload.ip=10.0.0.1: " in result.stdout
    assert "    no anomaly at 6 s for payload.ip=10.0.0.1\n" in result.stdout


def test_a_folder_without_rules_and_one_that_is_not_there_are_said_so(tmp_path: Path) -> None:
    assert "There is no rule in" in run("lint", tmp_path).stderr
    assert "There is no folder" in run("lint", tmp_path / "nowhere").stderr
