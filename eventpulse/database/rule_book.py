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


@dataclass(frozen=True)
class ChangedHistory:
    """What others than live detection have changed so far: `imports` counts events put in behind it, `of_rule` changes
    of the anomalies of each rule."""

    imports: int
    of_rule: dict[UUID, int]


def changed_history(connection: psycopg.Connection) -> ChangedHistory:
    """The counters that grow when history is changed behind live detection; the revision grows with them."""
    imports = connection.execute("select imports from eventpulse.rule_book").fetchone()
    of_rule = connection.execute("select rule_id, history_revision from eventpulse.rules").fetchall()
    return ChangedHistory(imports[0] if imports else 0, dict(of_rule))


def note_imported_events(connection: psycopg.Connection) -> None:
    """Tell live detection that it does not know all stored events any more."""
    connection.execute("update eventpulse.rule_book set imports = imports + 1, revision = revision + 1")
