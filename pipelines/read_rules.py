"""The rule book as a run evaluates it: the enabled rules, composites with the rules that they speak of."""

from uuid import UUID

import psycopg

from eventpulse.database.rule_book import stored_rules
from rules.members import with_members
from rules.rule import Rule, RuleFaults, read_rule


def read_rules(connection: psycopg.Connection) -> tuple[list[Rule], dict[UUID, str]]:
    """The enabled rules, and why those that are missing among them cannot be evaluated."""
    readable: list[Rule] = []
    faults: dict[UUID, str] = {}
    stored = stored_rules(connection)
    for one in stored:
        try:
            readable.append(read_rule(one.document, rule_id=one.rule_id, version=one.version))
        except RuleFaults as fault:
            faults[one.rule_id] = str(fault)
    whole, unresolved = with_members(readable)
    faults |= {rule_id: str(fault) for rule_id, fault in unresolved.items()}
    enabled = {one.rule_id for one in stored if one.enabled}
    return (
        [rule for rule in whole if rule.rule_id in enabled],
        {rule_id: fault for rule_id, fault in faults.items() if rule_id in enabled},
    )
