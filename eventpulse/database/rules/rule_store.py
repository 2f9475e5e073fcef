"""Keep rules: the one that holds now, and every version there was. Each change raises the revision of the rule book."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlalchemy import JSON, Connection, Row, Select, Text, bindparam, cast, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from eventpulse.database.tables import rule_progress, rule_versions, rules
from eventpulse.errors import EventPulseError


class RuleTaken(EventPulseError):
    """There is a rule with this name or this id already."""


@dataclass(frozen=True)
class NewRule:
    """What is stored of a rule. `document` is its JSON text as it was sent."""

    rule_id: UUID
    version: int
    name: str
    enabled: bool
    severity: str
    semantic_hash: str
    document: str


_COLUMNS = (
    rules.c.rule_id,
    rules.c.version,
    rules.c.name,
    rules.c.enabled,
    rules.c.severity,
    cast(rules.c.document, Text).label("document"),
    rules.c.created_at,
    rules.c.updated_at,
    rule_progress.c.suspended_at,
    rule_progress.c.last_error,
    rule_progress.c.limited_at,
    rule_progress.c.limited_why,
)
_AFRESH = {"failures": 0, "last_error": None, "suspended_at": None, "limited_at": None, "limited_why": None}
_WITH_PROGRESS = rules.outerjoin(rule_progress, rule_progress.c.rule_id == rules.c.rule_id)


def all_rules(connection: Connection) -> Sequence[Row]:
    """Every rule, by name."""
    return connection.execute(_query().order_by(rules.c.name)).all()


def rule_by_id(connection: Connection, rule_id: UUID) -> Row | None:
    """The rule as it stands."""
    return connection.execute(_query().where(rules.c.rule_id == rule_id)).first()


def versions_of(connection: Connection, rule_id: UUID) -> Sequence[Row]:
    """Every version of a rule, the newest first; a removed rule has them still."""
    columns = (
        rule_versions.c.version,
        rule_versions.c.name,
        rule_versions.c.semantic_hash,
        cast(rule_versions.c.document, Text).label("document"),
        rule_versions.c.created_at,
    )
    query = select(*columns).where(rule_versions.c.rule_id == rule_id).order_by(rule_versions.c.version.desc())
    return connection.execute(query).all()


def rule_to_change(connection: Connection, rule_id: UUID) -> Row | None:
    """The rule as it stands, which nobody else can change until this transaction ends."""
    query = _query().where(rules.c.rule_id == rule_id).with_for_update(of=rules)
    return connection.execute(query).first()


def add_rule(connection: Connection, rule: NewRule) -> Row:
    """Store a new rule. Raises RuleTaken where its name or id is."""
    _written(connection, rule, insert(rules).values(rule_id=rule.rule_id, **_values(rule)))
    return _stored(connection, rule)


def change_rule(connection: Connection, rule: NewRule) -> Row:
    """Store the next version of a rule. One that was suspended or limited gets another chance. Raises RuleTaken."""
    change = update(rules).where(rules.c.rule_id == rule.rule_id).values(updated_at=func.now(), **_values(rule))
    _written(connection, rule, change)
    connection.execute(update(rule_progress).where(rule_progress.c.rule_id == rule.rule_id).values(_AFRESH))
    return _stored(connection, rule)


def resume_rule(connection: Connection, rule_id: UUID) -> Row | None:
    """Forget the failures of a rule and that it had too many groups, so that one that rests is evaluated from the next
    micro-batch on."""
    connection.execute(update(rule_progress).where(rule_progress.c.rule_id == rule_id).values(_AFRESH))
    # Touching the rule raises the revision of the rule book, which is what drains follow.
    connection.execute(update(rules).where(rules.c.rule_id == rule_id).values(version=rules.c.version))
    return rule_by_id(connection, rule_id)


def remove_rule(connection: Connection, rule_id: UUID) -> bool:
    """Remove a rule; its versions and anomalies stay. Whether there was one."""
    return connection.execute(delete(rules).where(rules.c.rule_id == rule_id)).rowcount > 0


def _query() -> Select:
    return select(*_COLUMNS).select_from(_WITH_PROGRESS)


def _stored(connection: Connection, rule: NewRule) -> Row:
    return connection.execute(_query().where(rules.c.rule_id == rule.rule_id)).one()


def _values(rule: NewRule) -> dict[str, object]:
    return {
        "version": rule.version,
        "name": rule.name,
        "enabled": rule.enabled,
        "severity": rule.severity,
        "semantic_hash": rule.semantic_hash,
        "document": _json(rule.document),
    }


def _json(text: str) -> object:
    # Bound as text: a parameter of type JSON would be encoded once more, and numbers would pass through floats.
    return cast(bindparam(None, text, type_=Text), JSON)


def _written(connection: Connection, rule: NewRule, statement: object) -> None:
    try:
        connection.execute(statement)  # type: ignore[call-overload]
        connection.execute(
            insert(rule_versions).values(
                rule_id=rule.rule_id,
                version=rule.version,
                name=rule.name,
                semantic_hash=rule.semantic_hash,
                document=_json(rule.document),
            )
        )
    except IntegrityError as fault:
        if not isinstance(fault.orig, UniqueViolation):
            raise
        if fault.orig.diag.constraint_name == "rules_name_once":
            raise RuleTaken(f'There is a rule named "{rule.name}" already; names are unique.') from fault
        raise RuleTaken(f"There is, or was, a rule with the id {rule.rule_id}.") from fault
