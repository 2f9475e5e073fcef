"""Count a day's events anew, so that the counts by minute, type and source are those of the stored events."""

from dataclasses import dataclass
from datetime import date, timedelta

import psycopg

from eventpulse.database.anomalies.coverage import start_of
from eventpulse.database.anomalies.history_lock import while_nothing_is_stored

_COUNTED = """
with counted as (
    select date_trunc('minute', "timestamp", 'UTC') as minute, event_type, source, count(*) as count
    from eventpulse.events where "timestamp" >= %(start)s and "timestamp" < %(end)s group by 1, 2, 3
), kept as (
    select minute, event_type, source, count from eventpulse.event_rollups
    where minute >= %(start)s and minute < %(end)s
)
"""
_COMPARE = (
    _COUNTED
    + """
select (select count(*) from counted), (select coalesce(sum(count), 0)::bigint from counted),
    (select count(*) from counted c full join kept k using (minute, event_type, source)
     where c.count is distinct from k.count)
"""
)
_CORRECT = (
    _COUNTED
    + """
, gone as (
    delete from eventpulse.event_rollups r using kept k
    where (r.minute, r.event_type, r.source) = (k.minute, k.event_type, k.source) and not exists
        (select from counted c where (c.minute, c.event_type, c.source) = (k.minute, k.event_type, k.source))
)
insert into eventpulse.event_rollups as r (minute, event_type, source, count)
select minute, event_type, source, count from counted
on conflict (minute, event_type, source) do update set count = excluded.count where r.count <> excluded.count
"""
)


@dataclass(frozen=True)
class Recounted:
    """How many rows count the events of a day, how many events these are, and how many rows had to be corrected."""

    rows: int
    events: int
    corrected: int


def recount_day(connection: psycopg.Connection, day: date) -> Recounted:
    """Make the counts of a UTC day be those of its events.

    Events and counts change in one transaction, so one statement sees both as of one moment. Only where they differ is
    nothing stored for as long as it takes to correct them.
    """
    of_day: dict[str, object] = {"start": start_of(day), "end": start_of(day) + timedelta(days=1)}
    found = _compared(connection, of_day)
    if not found.corrected:
        return found
    with connection.transaction():
        while_nothing_is_stored(connection)
        found = _compared(connection, of_day)
        connection.execute(_CORRECT, of_day)
    return found


def _compared(connection: psycopg.Connection, of_day: dict[str, object]) -> Recounted:
    row = connection.execute(_COMPARE, of_day).fetchone()
    assert row is not None
    return Recounted(*row)
