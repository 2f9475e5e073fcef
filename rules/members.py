"""Composite rules get their members: the rules whose names stand in their expression."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from uuid import UUID

from rules.conditions import Composite
from rules.faults import RuleFaults, RuleIssue
from rules.rule import Rule

DEEPEST_COMPOSITE = 8


def with_members(rules: Iterable[Rule]) -> tuple[list[Rule], dict[UUID, RuleFaults]]:
    """The rules, each composite with its members, and why the others cannot have theirs.

    A member serves whether or not it is enabled itself.
    """
    given = list(rules)
    by_name = {rule.name: rule for rule in given}
    whole, faults = [], {}
    for rule in given:
        try:
            whole.append(resolve(rule, by_name))
        except RuleFaults as fault:
            faults[rule.rule_id] = fault
    return whole, faults


def resolve(rule: Rule, by_name: Mapping[str, Rule]) -> Rule:
    """The rule with its members and theirs. Raises RuleFaults where a name is unknown, leads back to itself, or names
    a rule that does not share the group keys."""
    return _resolve(rule, by_name, ())


def _resolve(rule: Rule, by_name: Mapping[str, Rule], above: tuple[str, ...]) -> Rule:
    condition = rule.condition
    if not isinstance(condition, Composite):
        return rule
    above = (*above, rule.name)
    issues, members = [], []
    for name in condition.names:
        member = by_name.get(name)
        if name in above:
            circle = " → ".join(f'"{one}"' for one in (*above[above.index(name) :], name))
            issues.append(_issue(condition, name, f"The expression leads back to itself: {circle}.", "cycle"))
        elif member is None:
            issues.append(_issue(condition, name, _unknown(name, by_name), "unknown_rule"))
        elif len(above) > DEEPEST_COMPOSITE:
            sentence = f"Composites stand at most {DEEPEST_COMPOSITE} deep in each other."
            issues.append(_issue(condition, name, sentence, "too_deep"))
        else:
            issues += _group_issues(rule, member)
            members.append(_resolve(member, by_name, above))
    if issues:
        raise RuleFaults(issues)
    return replace(rule, members=tuple(members))


def _group_issues(rule: Rule, member: Rule) -> list[RuleIssue]:
    return [
        RuleIssue(
            ("group_by", number),
            f'The rule "{member.name}" is not grouped by {path}; a composite has group keys that all its rules share.',
            "not_shared",
        )
        for number, path in enumerate(rule.group_by)
        if path not in member.group_by
    ]


def _issue(condition: Composite, name: str, message: str, code: str) -> RuleIssue:
    return RuleIssue(("condition", "expression"), message, code, condition.expression.find(name) + 1)


def _unknown(name: str, by_name: Mapping[str, Rule]) -> str:
    close = get_close_matches(name, by_name, n=1, cutoff=0.6)
    hint = f' Did you mean "{close[0]}"?' if close else " Names with spaces stand in quotes."
    return f'There is no rule "{name}".{hint}'
