"""The rules that come along: installed once into a database, and from then on rules like any other."""

import msgspec
from sqlalchemy import Engine, select

from eventpulse.database.connect import open_engine
from eventpulse.database.rules.rule_store import NewRule, add_rule
from eventpulse.database.tables import rule_versions, rules
from eventpulse.database.transactions import writing
from eventpulse.rule_file import read_rule_file, rule_files
from eventpulse.settings import PROJECT_ROOT, Settings
from rules.rule import Rule, read_rule

BUILTIN_RULES = PROJECT_ROOT / "rules" / "builtin"


def install_builtin_rules(engine: Engine) -> list[str]:
    """Add each built-in rule that this database has never had, and tell their names.

    One that was changed stays as it is, one that was removed stays away, and a name that is taken stays with its rule.
    """
    installed = []
    with writing(engine) as connection:
        known = set(connection.scalars(select(rule_versions.c.rule_id)))
        names = set(connection.scalars(select(rules.c.name)))
        for rule in builtin_rules():
            if rule.rule_id not in known and rule.name not in names:
                add_rule(connection, _new(rule))
                installed.append(rule.name)
    return installed


def install_builtin_rules_in(settings: Settings) -> list[str]:
    """The same in the database of an installation that runs."""
    assert settings.database_url is not None
    engine = open_engine(settings.database_url.get_secret_value(), application="eventpulse rules")
    try:
        return install_builtin_rules(engine)
    finally:
        engine.dispose()


def builtin_rules() -> list[Rule]:
    """The rules of the pack, by name."""
    return [read_rule(found.document) for file in rule_files(BUILTIN_RULES) for found in read_rule_file(file)]


def _new(rule: Rule) -> NewRule:
    document = msgspec.json.encode(rule.document).decode()
    return NewRule(rule.rule_id, rule.version, rule.name, rule.enabled, rule.severity, rule.semantic_hash, document)
