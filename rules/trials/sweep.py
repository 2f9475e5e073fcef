"""Variants of a rule: the same rule with other thresholds or windows, to be tried side by side."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import product
from typing import Any
from uuid import uuid5

from rules.faults import RuleFaults, RuleIssue
from rules.rule import Rule, read_rule

MOST_VARIANTS = 50


@dataclass(frozen=True)
class Variant:
    """One rule to try. `parameters` say in what it differs from the one that was given; nothing: it is that one."""

    parameters: Mapping[str, Any]
    rule: Rule


def variants(rule: Rule, sweep: Mapping[str, Sequence[Any]]) -> list[Variant]:
    """Every combination of the values that a sweep gives for places such as `condition.value` and `window_seconds`;
    without a sweep the rule alone. Raises RuleFaults where a variant is no rule.

    Each variant has an id of its own, so that all can be evaluated in one pass.
    """
    if not sweep:
        return [Variant({}, rule)]
    combinations = list(product(*sweep.values()))
    if not combinations or len(combinations) > MOST_VARIANTS:
        sentence = f"A sweep tries 1 to {MOST_VARIANTS} variants, these are {len(combinations)}."
        raise RuleFaults([RuleIssue(("sweep",), sentence, "too_many")])
    found = []
    for number, values in enumerate(combinations):
        parameters = dict(zip(sweep, values, strict=True))
        document = deepcopy(dict(rule.document))
        for place, value in parameters.items():
            _put(document, place, value)
        variant = read_rule(document, rule_id=uuid5(rule.rule_id, f"variant {number}"), version=rule.version)
        found.append(Variant(parameters, replace(variant, members=rule.members)))
    return found


def _put(document: dict[str, Any], place: str, value: Any) -> None:
    *above, last = place.split(".")
    inside: Any = document
    for key in above:
        inside = inside.setdefault(key, {}) if isinstance(inside, dict) else None
    if not isinstance(inside, dict) or not last:
        raise RuleFaults([RuleIssue(("sweep",), f'There is no place "{place}" in the rule.', "unknown_place")])
    inside[last] = value
