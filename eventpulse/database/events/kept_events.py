"""Which old events a rule still needs: written down by a drain that knows, so that the next one reads no others.

Whatever stands here only saves reading. Where nothing does, or what does is of another meaning of the rule or too old,
all history is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import psycopg

#: More than any micro-batch has.
_NO_BATCH = 2**62


@dataclass(frozen=True)
class KeptEvents:
    """Of all events up to `through`, a rule needs these; `instants` are their timestamps."""

    through: datetime
    event_ids: Sequence[str]
    instants: Sequence[datetime]


@dataclass(frozen=True)
class KnownEvents:
    """What was kept, and the first micro-batch that may have brought events since, of whatever time."""

    kept: KeptEvents
    from_batch: int


def keep(connection: psycopg.Connection, rule_id: UUID, semantic_hash: str, turn: int, kept: KeptEvents) -> None:
    """Write down what a rule needs of what was judged up to a turn."""
    connection.execute(
        "insert into eventpulse.kept_events as k (rule_id, semantic_hash, turn, through, event_ids, instants)"
        " values (%s, %s, %s, %s, %s::uuid[], %s) on conflict (rule_id) do update set"
        " semantic_hash = excluded.semantic_hash, turn = excluded.turn, through = excluded.through,"
        " event_ids = excluded.event_ids, instants = excluded.instants"
        " where k.turn <= excluded.turn or k.semantic_hash <> excluded.semantic_hash",
        (rule_id, semantic_hash, turn, kept.through, list(kept.event_ids), list(kept.instants)),
    )


def kept_for(connection: psycopg.Connection, rule_id: UUID, semantic_hash: str) -> KnownEvents | None:
    """What was written down for a rule; None where that is nothing, or where the ledger does not reach back so far."""
    row = connection.execute(
        "select through, event_ids::text[], instants,"
        " (select min(batch_id) from eventpulse.batches b where b.turn > k.turn)"
        " from eventpulse.kept_events k where rule_id = %s and semantic_hash = %s"
        " and exists (select from eventpulse.batches b where b.turn = k.turn)",
        (rule_id, semantic_hash),
    ).fetchone()
    if row is None:
        return None
    through, event_ids, instants, from_batch = row
    return KnownEvents(KeptEvents(through, event_ids, instants), _NO_BATCH if from_batch is None else from_batch)
