"""A composite has the rules that its expression names, or says why it cannot have them."""

import pytest

from rules.faults import RuleFaults
from rules.members import resolve, with_members
from rules.rule import Rule, read_rule


def rule(name: str, expression: str | None = None, group_by: tuple[str, ...] = ()) -> Rule:
    condition = {"type": "match"} if expression is None else {"type": "composite", "expression": expression}
    return read_rule({"name": name, "severity": "info", "group_by": list(group_by), "condition": condition})


def test_members_are_resolved_all_the_way_down() -> None:
    whole, faults = with_members([rule("a"), rule("c d"), rule("both", 'a and "c d"'), rule("top", "not both")])
    top = whole[-1]
    assert faults == {}
    assert [member.name for member in top.members] == ["both"]
    assert [member.name for member in top.members[0].members] == ["a", "c d"]


@pytest.mark.parametrize(
    ("rules", "words", "column"),
    [
        ([rule("top", "a and brute-forse"), rule("a"), rule("brute-force")], 'Did you mean "brute-force"?', 7),
        ([rule("top", "top")], '"top" → "top"', 1),
        ([rule("top", "a"), rule("a", "b"), rule("b", "top")], '"top" → "a" → "b" → "top"', 1),
    ],
)
def test_a_name_that_leads_nowhere_or_back_is_refused(rules: list[Rule], words: str, column: int) -> None:
    with pytest.raises(RuleFaults) as refused:
        resolve(rules[0], {one.name: one for one in rules})
    assert words in str(refused.value)
    assert refused.value.issues[0].column == column


def test_a_composite_has_only_group_keys_that_its_rules_share() -> None:
    member = rule("a", group_by=("source", "payload.ip"))
    assert resolve(rule("top", "a", ("source",)), {"a": member}).members == (member,)
    with pytest.raises(RuleFaults, match=r"not grouped by payload\.user"):
        resolve(rule("top", "a", ("source", "payload.user")), {"a": member})


def test_one_composite_that_cannot_be_resolved_does_not_harm_the_others() -> None:
    broken = rule("broken", "nobody")
    whole, faults = with_members([broken, rule("a"), rule("fine", "a")])
    assert [one.name for one in whole] == ["a", "fine"]
    assert set(faults) == {broken.rule_id}


def test_a_composite_changes_its_hash_with_what_its_members_mean() -> None:
    top = rule("top", "a")
    by_source = resolve(top, {"a": rule("a", group_by=("source",))})
    assert resolve(top, {"a": rule("a")}).semantic_hash != by_source.semantic_hash
