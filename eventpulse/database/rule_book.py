"""The rule book as a drain reads it: the enabled rules, as documents."""

from dataclasses import dataclass
from uuid import UUID

import msgspec
import psycopg


@dataclass(frozen=True)
class StoredRule:
    """One rule as it stands: its document is what the client sent."""

    rule_id: UUID
    version: int
    document: dict[str, object]


def enabled_rules(connection: psycopg.Connection) -> list[StoredRule]:
    """The rules that are to be evaluated, by name."""
    rows = connection.execute(
        "select rule_id, version, document::text from eventpulse.rules where enabled order by name"
    ).fetchall()
    return [StoredRule(rule_id, version, msgspec.json.decode(document)) for rule_id, version, document in rows]
