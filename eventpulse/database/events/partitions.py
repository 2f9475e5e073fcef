"""The day partitions of `events`: which days have one of their own, and making those that are missing."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic

import psycopg
from psycopg import sql

#: Beyond so many day partitions, days that are not recent share `events_other_days`: timestamps come from clients, and
#: a client that makes up dates must not be able to make a table for each.
MOST_DAYS = 1_000
RECENT = timedelta(days=7)
REMEMBERED_SECONDS = 60.0


class DayPartitions:
    """The days that have a partition, remembered for a while by a process that writes.

    Retention may drop a day meanwhile. An event of that day then goes where days share, and nothing breaks.
    """

    def __init__(self) -> None:
        self._known: set[date] | None = None
        self._read_at = 0.0

    def forget(self) -> None:
        """Read the partitions again when next asked."""
        self._known = None

    def ensure(self, connection: psycopg.Connection, days: Iterable[date], today: date) -> None:
        """Make the partitions that are missing. Each is made in a transaction of its own and is harmless to repeat."""
        if self._known is None or monotonic() - self._read_at > REMEMBERED_SECONDS:
            self._known, self._read_at = existing_days(connection), monotonic()
        for day in sorted(set(days) - self._known):
            if day < date.max and (len(self._known) < MOST_DAYS or abs(day - today) <= RECENT):
                _make_partition(connection, day)
            # A day that shares `events_other_days` is remembered too: it needs no second look.
            self._known.add(day)


def partition_name(day: date) -> str:
    """The table that holds the events of one UTC day."""
    return f"events_{day:%Y_%m_%d}"


def existing_days(connection: psycopg.Connection) -> set[date]:
    """The days that have a partition of their own."""
    rows = connection.execute(
        "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid"
        " where i.inhparent = 'eventpulse.events'::regclass and c.relname like 'events\\_____\\___\\___'"
    ).fetchall()
    return {datetime.strptime(name, "events_%Y_%m_%d").date() for (name,) in rows}


def analyse_days(connection: psycopg.Connection, days: Iterable[date]) -> None:
    """Let PostgreSQL count anew what these days hold, as it should after much was loaded. By itself it would within
    minutes, and choose slow ways until then."""
    for day in sorted(set(days) & existing_days(connection)):
        connection.execute(sql.SQL("analyze {}").format(sql.Identifier("eventpulse", partition_name(day))))
    connection.execute("analyze eventpulse.event_ids")


def _make_partition(connection: psycopg.Connection, day: date) -> None:
    start = datetime.combine(day, time(), UTC)
    name = sql.Identifier("eventpulse", partition_name(day))
    with connection.transaction():
        # Two writers may meet the same new day; the lock makes the second find it done.
        connection.execute("select pg_advisory_xact_lock(hashtext('eventpulse.events partitions'))")
        present = connection.execute("select to_regclass(%s)", (f"eventpulse.{partition_name(day)}",)).fetchone()
        if present is not None and present[0] is not None:
            return
        shared = connection.execute(
            'select exists (select from eventpulse.events_other_days where "timestamp" >= %s and "timestamp" < %s)',
            (start, start + timedelta(days=1)),
        ).fetchone()
        if shared is not None and shared[0]:
            return  # rows of this day already share; a partition now would split the day
        connection.execute(
            sql.SQL("create table {} (like eventpulse.events including defaults including constraints)").format(name)
        )
        connection.execute(
            sql.SQL("alter table eventpulse.events attach partition {} for values from ({}) to ({})").format(
                name, sql.Literal(start), sql.Literal(start + timedelta(days=1))
            )
        )
