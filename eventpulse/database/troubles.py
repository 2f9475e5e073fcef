"""What EventPulse has noticed about itself and said of it. What is to be said is written down before it is said."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, null, select, text, update
from sqlalchemy.dialects.postgresql import insert

from eventpulse.database.tables import dead_letters, troubles


@dataclass(frozen=True)
class Untold:
    """An event that is to be put into the stream: of which trouble, and when that was found."""

    kind: str
    subject: str
    event_id: UUID
    at: datetime
    payload: Mapping[str, Any]


@dataclass(frozen=True)
class Letters:
    """Dead letters behind one that was told of: how many by cause, the newest one, and how many are open in all."""

    by_cause: dict[str, int]
    newest: int
    open: int


_ROW = ("state", "since", "seen_at", "noticed", "noticed_at")


def known_troubles(connection: Connection) -> dict[tuple[str, str], Mapping[str, Any]]:
    """What was said of each trouble: state, since, seen_at, noticed, noticed_at."""
    rows = connection.execute(select(troubles.c.kind, troubles.c.subject, *(troubles.c[name] for name in _ROW)))
    return {(row.kind, row.subject): {name: getattr(row, name) for name in _ROW} for row in rows}


def note_trouble(
    connection: Connection, kind: str, subject: str, known: Mapping[str, Any], untold: Mapping[str, Any] | None
) -> None:
    """Write down what is known of a trouble from now on, and what is to be said of it."""
    values = {**known, **({} if untold is None else {"untold": untold})}
    statement = insert(troubles).values(kind=kind, subject=subject, **values)
    connection.execute(statement.on_conflict_do_update(constraint="troubles_key", set_=values))


def untold_troubles(connection: Connection) -> list[Untold]:
    """What is still to be said."""
    query = select(troubles.c.kind, troubles.c.subject, troubles.c.untold).where(troubles.c.untold.is_not(None))
    rows = connection.execute(query.order_by(troubles.c.kind, troubles.c.subject))
    return [
        Untold(row.kind, row.subject, UUID(row.untold["event_id"]), _instant(row.untold["at"]), row.untold["payload"])
        for row in rows
    ]


def note_told(connection: Connection, told: Untold) -> None:
    """Write down that it is in the stream."""
    connection.execute(
        update(troubles)
        .where(troubles.c.kind == told.kind, troubles.c.subject == told.subject)
        .where(text("untold ->> 'event_id' = :event_id").bindparams(event_id=str(told.event_id)))
        .values(untold=null())
    )


def letters_behind(connection: Connection, dead_letter_id: int) -> Letters:
    """The dead letters behind one, except those that are events about ourselves: of them nothing is said, or saying it
    could go on for ever."""
    rows = connection.execute(
        text(
            "select cause, count(*), max(dead_letter_id) from eventpulse.dead_letters where dead_letter_id > :after"
            " and position(cast('\"eventpulse.' as bytea) in raw) = 0 group by cause"
        ),
        {"after": dead_letter_id},
    ).all()
    open_ones = connection.execute(
        select(text("count(*)")).select_from(dead_letters).where(dead_letters.c.state.in_(("open", "redriving")))
    ).scalar_one()
    newest = max((row[2] for row in rows), default=dead_letter_id)
    return Letters({cause: count for cause, count, _ in rows}, newest, int(open_ones))


def failing_channels(connection: Connection) -> list[tuple[str, bool, int, str]]:
    """Channels whose last messages failed: name, whether enabled, failures in a row, the last error."""
    rows = connection.execute(
        text("select name, enabled, failures, coalesce(last_error, '') from eventpulse.channels where failures > 0")
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def _instant(written: str) -> datetime:
    return datetime.fromisoformat(written)
