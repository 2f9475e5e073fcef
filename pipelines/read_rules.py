"""The rule book as a run evaluates it: the enabled rules, composites with the rules that they speak of."""

from collections.abc import Sequence
from difflib import get_close_matches
from uuid import UUID

import psycopg

from eventpulse.database.rules.rule_book import StoredRule, stored_rules
from eventpulse.errors import EventPulseError
from rules.members import with_members
from rules.rule import Rule, RuleFaults, read_rule


def read_rules(connection: psycopg.Connection) -> tuple[list[Rule], dict[UUID, str]]:
    """The enabled rules, and why those that are missing among them cannot be evaluated."""
    whole, faults, stored = _every_rule(connection)
    enabled = {one.rule_id for one in stored if one.enabled}
    return (
        [rule for rule in whole if rule.rule_id in enabled],
        {rule_id: fault for rule_id, fault in faults.items() if rule_id in enabled},
    )


def named_rules(connection: psycopg.Connection, wanted: Sequence[str] | None) -> list[Rule]:
    """The rules that are meant, by name or id, also those that are not enabled; without names all that are enabled.

    Raises EventPulseError where a rule is not there or cannot be read.
    """
    whole, faults, stored = _every_rule(connection)
    if not wanted:
        enabled = {one.rule_id for one in stored if one.enabled}
        return [rule for rule in whole if rule.rule_id in enabled]
    found = []
    for name in wanted:
        meant = next((one for one in stored if name in (one.name, str(one.rule_id))), None)
        if meant is None:
            close = get_close_matches(name, [one.name for one in stored], n=1)
            raise EventPulseError(f'There is no rule "{name}".' + (f' Did you mean "{close[0]}"?' if close else ""))
        if meant.rule_id in faults:
            raise EventPulseError(f'The rule "{name}" cannot be evaluated: {faults[meant.rule_id]}')
        found += [rule for rule in whole if rule.rule_id == meant.rule_id]
    return found


def _every_rule(connection: psycopg.Connection) -> tuple[list[Rule], dict[UUID, str], list[StoredRule]]:
    readable: list[Rule] = []
    faults: dict[UUID, str] = {}
    stored = stored_rules(connection)
    for one in stored:
        try:
            readable.append(read_rule(one.document, rule_id=one.rule_id, version=one.version))
        except RuleFaults as fault:
            faults[one.rule_id] = str(fault)
    whole, unresolved = with_members(readable)
    return whole, faults | {rule_id: str(fault) for rule_id, fault in unresolved.items()}, stored
