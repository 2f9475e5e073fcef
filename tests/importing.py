"""Files of events that tests import, and an importer without a command around it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
from pydantic import SecretStr

from eventpulse.database.connect import open_connection
from eventpulse.database.events.imports import begin_import, import_of
from eventpulse.importing.files import EventFile
from eventpulse.importing.mapping import TableMapping
from eventpulse.importing.piece import Piece, read_piece
from eventpulse.settings import Settings
from pipelines.history.import_events import Importer, set_future_apart

NO_MAPPING = TableMapping()
LONGEST = 10_000_000


def pieces_of(file: EventFile, mapping: TableMapping = NO_MAPPING, *, after: int = 0) -> list[Piece]:
    """Everything in a file behind a place."""
    fingerprint = file.fingerprint()
    completed = file.completed(mapping)
    rows = file.rows(completed, after=after, longest=LONGEST)
    return [read_piece(one, completed, fingerprint, deepest=64) for one in rows]


@contextmanager
def importing(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection to import over."""
    with open_connection(database_url, application="tests import") as connection:
        yield connection


def import_pieces(
    connection: psycopg.Connection, database_url: str, file: EventFile, *, dead_letters: bool = False, most: int = 1_000
) -> Importer:
    """Store up to `most` pieces of what has not been imported of a file."""
    fingerprint = file.fingerprint()
    before = import_of(connection, file.place, fingerprint)
    import_id = before.import_id if before else begin_import(connection, file.place, fingerprint, NO_MAPPING.digest)
    settings = Settings(database_url=SecretStr(database_url))
    importer = Importer(
        connection, settings, import_id, entry=f"import {fingerprint}", named="a file, line", dead_letters=dead_letters
    )
    waiting = pieces_of(file, after=before.through if before else 0)
    for piece in waiting[:most]:
        importer.store(set_future_apart(piece, timedelta(seconds=settings.future_seconds)))
    if len(waiting) <= most:
        importer.finish()
    return importer


def a_file(folder: Path, lines: Sequence[str], name: str = "events.ndjson") -> EventFile:
    """A file of lines."""
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines))
    return EventFile(str(path), "ndjson")
