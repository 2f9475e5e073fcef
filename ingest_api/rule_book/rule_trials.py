"""Try a rule before it is stored: find its members, run the tests that it carries."""

import msgspec
from sqlalchemy import Connection

from eventpulse.database.rules.rule_store import all_rules
from ingest_api.rule_book.rule_documents import bad_rule
from rules.conditions import Composite
from rules.faults import RuleFaults, RuleIssue
from rules.members import resolve
from rules.rule import Rule, read_rule
from rules.trials.rule_tests import TrialReport, run_tests


def with_stored_members(connection: Connection, rule: Rule) -> Rule:
    """The rule, a composite with its members among the stored rules. Raises BadRule where it cannot have them."""
    if not isinstance(rule.condition, Composite):
        return rule
    stored = {}
    for row in all_rules(connection):
        if row.rule_id != rule.rule_id:
            try:
                stored[row.name] = read_rule(
                    msgspec.json.decode(row.document), rule_id=row.rule_id, version=row.version
                )
            except RuleFaults:  # of an older release; whoever names it is told that there is no such rule
                continue
    try:
        return resolve(rule, stored | {rule.name: rule})
    except RuleFaults as faults:
        raise bad_rule(faults.issues) from None


def reports_of(rule: Rule) -> list[TrialReport]:
    """What comes of the tests that the rule carries."""
    return list(run_tests([rule]))


def require_passed(rule: Rule) -> None:
    """Raises BadRule with one fault for each problem of each test of the rule."""
    faults = [
        RuleIssue(("tests", number), f"{report.test}: {problem}", "test_failed")
        for number, report in enumerate(reports_of(rule))
        for problem in report.problems
    ]
    if faults:
        raise bad_rule(faults)
