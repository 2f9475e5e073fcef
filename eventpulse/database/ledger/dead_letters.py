"""Find dead letters and change what becomes of them. What came in is never changed.

A letter is `open` until somebody discards or redrives it. Redriving is noted before it is done (`redriving`) and after
(`redriven`), so that a letter whose redriving was cut off can be seen and redriven again, which is harmless.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Row, Select, bindparam, func, select, update

from eventpulse.database.tables import dead_letters

#: States in which something is still to be done.
TO_DO = ("open", "redriving")
MOST_BYTES_IN_A_LIST = 2_048
_IN_A_LIST = [column for column in dead_letters.c if column.name not in ("raw", "edited")]
_id = dead_letters.c.dead_letter_id


@dataclass(frozen=True)
class LetterFilter:
    """Which dead letters; None asks nothing. `reason` is a part of the reason, in any case."""

    dead_letter_id: int | None = None
    states: Sequence[str] | None = None
    cause: str | None = None
    reason: str | None = None
    batch_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


def newest_letters(
    connection: Connection, wanted: LetterFilter, *, limit: int, offset: int = 0, before: int | None = None
) -> Sequence[Row]:
    """Letters, the newest first, from before an id on; of what came in, the first bytes and how many there are."""
    beginning = func.substring(dead_letters.c.raw, 1, MOST_BYTES_IN_A_LIST).label("raw")
    columns = (*_IN_A_LIST, beginning, func.length(dead_letters.c.raw).label("raw_bytes"), dead_letters.c.edited)
    query = _filtered(select(*columns), wanted).order_by(_id.desc())
    if before is not None:
        query = query.where(_id < before)
    return connection.execute(query.limit(limit).offset(offset)).all()


def letter_by_id(connection: Connection, dead_letter_id: int) -> Row | None:
    """One letter, whole."""
    query = select(dead_letters, func.length(dead_letters.c.raw).label("raw_bytes"))
    return connection.execute(query.where(_id == dead_letter_id)).first()


def letters_to_redrive(connection: Connection, wanted: LetterFilter, *, limit: int, after: int = 0) -> Sequence[Row]:
    """Whole letters, the oldest first, from behind an id on; nobody else changes them while the transaction lasts."""
    query = _filtered(select(dead_letters), wanted).where(_id > after).order_by(_id).limit(limit)
    return connection.execute(query.with_for_update()).all()


def count_letters(connection: Connection, wanted: LetterFilter, *, after: int = 0) -> int:
    """How many letters there are from behind an id on."""
    query = _filtered(select(func.count()).select_from(dead_letters), wanted).where(_id > after)
    return int(connection.execute(query).scalar_one())


def letters_by_state(connection: Connection) -> dict[str, int]:
    """How many letters are open, being redriven, redriven or discarded."""
    query = select(dead_letters.c.state, func.count()).group_by(dead_letters.c.state)
    return {state: int(count) for state, count in connection.execute(query)}


def edit_letter(connection: Connection, dead_letter_id: int, edited: bytes, event_id: UUID) -> bool:
    """Keep an event that stands in for what came in; false where the letter is closed."""
    query = update(dead_letters).where(_id == dead_letter_id, dead_letters.c.state.in_(TO_DO))
    changed = connection.execute(
        query.values(edited=edited, event_id=event_id, edited_at=func.clock_timestamp(), state="open")
    )
    return changed.rowcount > 0


def note_redriving(connection: Connection, event_ids: dict[int, UUID]) -> None:
    """Write down that these letters are about to go into the stream, under these ids of events."""
    since = func.coalesce(dead_letters.c.redriving_since, func.clock_timestamp())
    note = update(dead_letters).where(_id == bindparam("letter"))
    connection.execute(
        note.values(state="redriving", event_id=bindparam("event"), closed_at=None, redriving_since=since),
        [{"letter": dead_letter_id, "event": event_id} for dead_letter_id, event_id in event_ids.items()],
    )


def note_redriven(connection: Connection, ids: Sequence[int]) -> None:
    """Write down that these letters are in the stream."""
    changed = update(dead_letters).where(_id.in_(ids), dead_letters.c.state == "redriving")
    connection.execute(changed.values(state="redriven", closed_at=func.clock_timestamp()))


def discard_letter(connection: Connection, dead_letter_id: int) -> bool:
    """Close a letter for good, without redriving it; false where it has been redriven already."""
    query = update(dead_letters).where(_id == dead_letter_id, dead_letters.c.state != "redriven")
    closed_at = func.coalesce(dead_letters.c.closed_at, func.clock_timestamp())
    return connection.execute(query.values(state="discarded", closed_at=closed_at)).rowcount > 0


def _filtered(query: Select, wanted: LetterFilter) -> Select:
    if wanted.dead_letter_id is not None:
        query = query.where(_id == wanted.dead_letter_id)
    if wanted.states is not None:
        query = query.where(dead_letters.c.state.in_(wanted.states))
    if wanted.cause is not None:
        query = query.where(dead_letters.c.cause == wanted.cause)
    if wanted.reason is not None:
        query = query.where(dead_letters.c.reason.icontains(wanted.reason, autoescape=True))
    if wanted.batch_id is not None:
        query = query.where(dead_letters.c.batch_id == wanted.batch_id)
    if wanted.since is not None:
        query = query.where(dead_letters.c.received_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(dead_letters.c.received_at <= wanted.until)
    return query
