"""The gallery and the built-in pack are rules like any other: they can be read, and their own tests pass."""

from collections import Counter
from pathlib import Path

import pytest

from eventpulse.cli.rule_folder import read_folder
from eventpulse.settings import PROJECT_ROOT
from rules.conditions import TYPES
from rules.rule import Rule
from rules.trials.rule_tests import run_test

EXAMPLES, BUILTIN = PROJECT_ROOT / "rules" / "examples", PROJECT_ROOT / "rules" / "builtin"


def rules_in(folder: Path) -> list[Rule]:
    found = read_folder([folder])
    assert found.faults == []
    return found.rules


ALL = {rule.name: rule for folder in (EXAMPLES, BUILTIN) for rule in rules_in(folder)}


@pytest.mark.parametrize("name", list(ALL))
def test_the_tests_of_a_rule_that_comes_along_pass(name: str) -> None:
    rule = ALL[name]
    assert rule.tests
    for trial in rule.tests:
        assert run_test(rule, trial).problems == (), trial.name


def test_the_gallery_shows_every_type_of_condition() -> None:
    used = Counter(rule.condition.type for rule in rules_in(EXAMPLES))
    assert set(used) == set(TYPES)
    assert used.total() >= 20


def test_the_built_in_pack_has_the_four_rules_of_old_and_only_the_first_is_enabled() -> None:
    about_itself = [rule for rule in rules_in(BUILTIN) if rule.name.startswith("eventpulse-")]
    assert all(rule.enabled for rule in about_itself)
    of_old = [rule for rule in rules_in(BUILTIN) if rule not in about_itself]
    assert {rule.name: rule.enabled for rule in of_old} == {
        "zscore-count-spike": True,
        "rate-spike": False,
        "invalid-payload": False,
        "timestamp-drift": False,
    }


def test_the_spike_detector_is_that_of_old() -> None:
    rule = ALL["zscore-count-spike"]
    condition = rule.condition
    assert (condition.bucket_seconds, condition.baseline_buckets, condition.operator, condition.value) == (
        10,
        5,
        ">=",
        2,
    )  # type: ignore[union-attr]
    assert (rule.cooldown_seconds, rule.group_by, condition.filters.event_type) == (30, (), ())  # type: ignore[union-attr]
