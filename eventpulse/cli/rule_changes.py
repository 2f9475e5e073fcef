"""What applying files of rules would change: new, changed, same, and those that stand in no file."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from eventpulse.rule_file import as_yaml
from rules.faults import RuleFaults
from rules.rule import SHOWN_ONLY, Rule, read_rule

# What a replacement must say, although a new rule need not.
_ALWAYS_SENT = ("enabled", "window_seconds", "cooldown_seconds")


class Change(StrEnum):
    """What becomes of a rule."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    REMOVED = "removed"


@dataclass(frozen=True)
class RuleChange:
    """One rule's change. `document` is what is to be sent; `difference` is for people, a line for each line."""

    change: Change
    name: str
    rule_id: UUID
    document: dict[str, Any]
    difference: tuple[str, ...] = ()


def changes(files: Iterable[Rule], standing: Iterable[Mapping[str, Any]], *, prune: bool) -> list[RuleChange]:
    """What has to change so that the rules that stand are those of the files; others are removed only to `prune`.

    A rule is the same rule where its id is, or else its name. Composites come after the rules that they name.
    """
    by_id = {UUID(str(rule["rule_id"])): rule for rule in standing}
    by_name = {rule["name"]: rule_id for rule_id, rule in by_id.items()}
    found, kept = [], set()
    for rule in sorted(files, key=_depth):
        rule_id = rule.rule_id if rule.rule_id in by_id else by_name.get(rule.name, rule.rule_id)
        kept.add(rule_id)
        found.append(_change(rule, rule_id, by_id.get(rule_id)))
    for rule_id, shown in by_id.items():
        if prune and rule_id not in kept:
            found.append(RuleChange(Change.REMOVED, shown["name"], rule_id, {}, _difference(as_sent(shown), None)))
    return found


def _depth(rule: Rule) -> int:
    return 1 + max(map(_depth, rule.members)) if rule.members else 0


def _change(rule: Rule, rule_id: UUID, shown: Mapping[str, Any] | None) -> RuleChange:
    document = {key: value for key, value in rule.document.items() if key not in SHOWN_ONLY and value is not None}
    full = document | {key: getattr(rule, key) for key in _ALWAYS_SENT}
    if shown is None:
        return RuleChange(Change.NEW, rule.name, rule_id, full, _difference(None, document))
    if _means_the_same(rule, shown):
        return RuleChange(Change.SAME, rule.name, rule_id, full)
    before = {key: value for key, value in as_sent(shown).items() if key in document or value != full.get(key)}
    return RuleChange(Change.CHANGED, rule.name, rule_id, full, _difference(before, document))


def as_sent(shown: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as the API shows it, without what the server added."""
    return {key: value for key, value in shown.items() if key not in SHOWN_ONLY}


def _means_the_same(rule: Rule, shown: Mapping[str, Any]) -> bool:
    try:
        standing = read_rule(shown)
    except RuleFaults:  # a rule of an older release, which this one cannot read
        return False
    return replace(standing, rule_id=rule.rule_id, version=rule.version, document={}) == replace(
        rule, document={}, members=()
    )


def _difference(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[str, ...]:
    old, new = (as_yaml(one).splitlines() if one is not None else [] for one in (before, after))
    return tuple(
        line for line in difflib.unified_diff(old, new, lineterm="", n=2) if not line.startswith(("---", "+++", "@@"))
    )
