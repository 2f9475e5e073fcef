"""The rule book as a run reads it: every rule, as a document."""

from dataclasses import dataclass
from uuid import UUID

import msgspec
import psycopg


@dataclass(frozen=True)
class StoredRule:
    """One rule as it stands: its document is what the client sent."""

    rule_id: UUID
    name: str
    version: int
    enabled: bool
    document: dict[str, object]


def stored_rules(connection: psycopg.Connection) -> list[StoredRule]:
    """Every rule as it stands, by name; a composite may speak of rules that are not enabled themselves."""
    rows = connection.execute(
        "select rule_id, name, version, enabled, document::text from eventpulse.rules order by name"
    ).fetchall()
    return [
        StoredRule(rule_id, name, version, enabled, msgspec.json.decode(document))
        for rule_id, name, version, enabled, document in rows
    ]


def changed_history(connection: psycopg.Connection) -> dict[UUID, int]:
    """For each rule a counter that grows when others than live detection change its anomalies; the revision grows with
    it."""
    return dict(connection.execute("select rule_id, history_revision from eventpulse.rules").fetchall())
