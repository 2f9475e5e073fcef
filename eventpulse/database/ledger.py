"""The ledger of micro-batches: what came in, and what became of each event."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.types.json import Json


@dataclass(frozen=True)
class LedgerRow:
    """One micro-batch. taken = stored + duplicates + dead_lettered, or PostgreSQL refuses the row."""

    batch_id: int
    origin: str
    shard: int
    first_entry: str | None
    last_entry: str | None
    entries: int
    taken: int
    stored: int
    duplicates: int
    dead_lettered: int
    too_late: int
    anomalies: int
    retracted: int
    rule_errors: dict[str, str]
    dagster_run_id: str | None
    oldest_received_at: datetime | None
    started_at: datetime


@dataclass(frozen=True)
class DeadLetter:
    """An event that can't be stored: its bytes as they came, where they stood in the stream, and why."""

    entry: str
    line: int
    raw: bytes
    reason: str
    received_at: datetime


def next_batch_id(connection: psycopg.Connection) -> tuple[int, int]:
    """A fresh batch id, and the revision of the rule book that holds now."""
    row = connection.execute(
        "select nextval(pg_get_serial_sequence('eventpulse.batches', 'batch_id')),"
        " (select revision from eventpulse.rule_book)"
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def rule_book_revision(connection: psycopg.Connection) -> int:
    """The number that grows with every change of a rule."""
    row = connection.execute("select revision from eventpulse.rule_book").fetchone()
    assert row is not None
    revision: int = row[0]
    return revision


def newest_batch_id(connection: psycopg.Connection) -> int:
    """The id of the newest micro-batch in the ledger; 0 where there is none."""
    row = connection.execute("select coalesce(max(batch_id), 0) from eventpulse.batches").fetchone()
    assert row is not None
    newest: int = row[0]
    return newest


def last_committed_entry(connection: psycopg.Connection, shard: int) -> str | None:
    """The stream entry up to which everything has been committed for a shard; entries are taken in their order."""
    row = connection.execute(
        "select last_entry from eventpulse.batches where shard = %s and last_entry is not null"
        " order by batch_id desc limit 1",
        (shard,),
    ).fetchone()
    return row[0] if row else None


def write(connection: psycopg.Connection, row: LedgerRow) -> None:
    """Add the row of a micro-batch, inside the transaction of everything the batch did."""
    values = {**row.__dict__, "rule_errors": Json(row.rule_errors)}
    columns = ", ".join(values)
    places = ", ".join(f"%({column})s" for column in values)
    connection.execute(f"insert into eventpulse.batches ({columns}) values ({places})", values)


def set_aside(connection: psycopg.Connection, letters: Sequence[DeadLetter], batch_id: int) -> None:
    """Keep what can't be stored. The place in the stream is the key, so setting aside twice is harmless."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into eventpulse.dead_letters (batch_id, entry, line, raw, reason, received_at)"
            " values (%s, %s, %s, %s, %s, %s) on conflict (entry, line) do nothing",
            [
                (batch_id, letter.entry, letter.line, letter.raw, letter.reason, letter.received_at)
                for letter in letters
            ],
        )
