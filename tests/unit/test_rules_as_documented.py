"""Every rule in docs/rules.md can be read, and every place of a summary and every condition is written down there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eventpulse.rule_file import read_rule_file
from eventpulse.settings import PROJECT_ROOT
from rules.conditions import TYPES
from rules.rule import RuleDocument, read_rule
from rules.summary import PLACES
from rules.trials.rule_tests import run_tests

PAGE = (PROJECT_ROOT / "docs" / "rules.md").read_text(encoding="utf-8")


def blocks() -> Iterator[str]:
    for indented in re.findall(r"```yaml\n(.*?)```", PAGE, re.S):
        yield (
            indented
            if indented.split("\n")[0] != "filters:"
            else "condition:\n  type: match\n" + re.sub("^", "  ", indented, flags=re.M)
        )


@pytest.mark.parametrize("block", list(blocks()))
def test_a_rule_on_the_page_can_be_read_and_its_tests_pass(block: str, tmp_path: Path) -> None:
    file = tmp_path / "rule.yaml"
    file.write_text(block, encoding="utf-8")
    (found,) = read_rule_file(file)
    document: dict[str, Any] = {"name": "a rule", "severity": "info", "window_seconds": 60, **found.document}
    rule = read_rule(document)
    assert [report.problems for report in run_tests([rule])] == [()] * len(rule.tests)


def test_the_page_tells_of_every_condition_key_and_place() -> None:
    for name in TYPES:
        assert f"### {name}: " in PAGE
    for key in set(RuleDocument.__dataclass_fields__) - {"condition"}:
        assert f"| `{key}` |" in PAGE
    for place in PLACES:
        assert f"`{{{place}}}`" in PAGE
