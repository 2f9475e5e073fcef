"""How far each file has been imported, noted in the transaction that stores its events."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import psycopg


@dataclass(frozen=True)
class ImportSoFar:
    """What became of a file so far: `through` is the last of its lines or rows that was dealt with, whatever became of
    it. `mapping` tells with which mapping; `finished`, that its end was reached."""

    import_id: int
    mapping: str
    through: int
    finished: bool


@dataclass(frozen=True)
class Dealt:
    """What became of the rows of one piece."""

    stored: int = 0
    duplicates: int = 0
    dead_lettered: int = 0
    skipped: int = 0

    def __add__(self, other: "Dealt") -> "Dealt":
        """Both together."""
        return Dealt(
            self.stored + other.stored,
            self.duplicates + other.duplicates,
            self.dead_lettered + other.dead_lettered,
            self.skipped + other.skipped,
        )

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return self.stored + self.duplicates + self.dead_lettered + self.skipped


def import_of(connection: psycopg.Connection, file: str, fingerprint: str) -> ImportSoFar | None:
    """What is known of a file that begins like this and lies there."""
    row = connection.execute(
        "select import_id, mapping, through, finished_at is not null from eventpulse.imports"
        " where file = %s and fingerprint = %s",
        (file, fingerprint),
    ).fetchone()
    return None if row is None else ImportSoFar(*row)


def begin_import(connection: psycopg.Connection, file: str, fingerprint: str, mapping: str) -> int:
    """A number for the import of a file from its beginning, whether or not it has been imported before."""
    row = connection.execute(
        "insert into eventpulse.imports as i (file, fingerprint, mapping) values (%s, %s, %s)"
        " on conflict (file, fingerprint) do update set mapping = excluded.mapping, through = 0, stored = 0,"
        " duplicates = 0, dead_lettered = 0, skipped = 0, first_day = null, last_day = null,"
        " started_at = clock_timestamp(), updated_at = clock_timestamp(), finished_at = null"
        " returning import_id",
        (file, fingerprint, mapping),
    ).fetchone()
    assert row is not None
    import_id: int = row[0]
    return import_id


def note_piece(
    connection: psycopg.Connection, import_id: int, dealt: Dealt, through: int, days: tuple[date, date] | None
) -> None:
    """Add a piece, inside the transaction that stores it; `days` are the first and the last of its new events."""
    first, last = days or (None, None)
    connection.execute(
        "update eventpulse.imports set through = %s, stored = stored + %s, duplicates = duplicates + %s,"
        " dead_lettered = dead_lettered + %s, skipped = skipped + %s, first_day = least(first_day, %s),"
        " last_day = greatest(last_day, %s), updated_at = clock_timestamp(), finished_at = null where import_id = %s",
        (through, dealt.stored, dealt.duplicates, dealt.dead_lettered, dealt.skipped, first, last, import_id),
    )


def note_end(connection: psycopg.Connection, import_id: int) -> None:
    """Note that the end of the file was reached."""
    connection.execute(
        "update eventpulse.imports set finished_at = clock_timestamp(), updated_at = clock_timestamp()"
        " where import_id = %s",
        (import_id,),
    )


def days_of_import(connection: psycopg.Connection, import_id: int) -> tuple[date, date] | None:
    """The first and the last UTC day of what was new in a file; None where nothing was."""
    row = connection.execute(
        "select first_day, last_day from eventpulse.imports where import_id = %s", (import_id,)
    ).fetchone()
    return None if row is None or row[0] is None else (row[0], row[1])


def stored_by_day(connection: psycopg.Connection, first: date, last: date) -> dict[date, int]:
    """How many events are stored of each UTC day that has any, from a first to a last one."""
    rows = connection.execute(
        "select (minute at time zone 'UTC')::date as day, sum(count)::bigint from eventpulse.event_rollups"
        " where minute >= %s and minute < %s group by day",
        (datetime.combine(first, time(), UTC), datetime.combine(last, time(), UTC) + timedelta(days=1)),
    ).fetchall()
    return dict(rows)
