"""Which stretches of history have been evaluated, for each rule, meaning and UTC day of event time.

Only days that have events are written down. Live detection opens a day for a rule when it first meets the two together
and extends it as time passes; backfills add what they evaluated; imports take away where they put events.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import psycopg

_DAY = timedelta(days=1)
_DAYS_WITH_EVENTS = """
with recursive days as (
    select (select min(minute) from eventpulse.event_rollups
            where minute >= date_trunc('minute', %(start)s::timestamptz)) as minute
    union all
    select (select min(minute) from eventpulse.event_rollups where minute >= date_trunc('day', d.minute) + '1 day')
    from days d where d.minute is not null
)
select minute::date from days where minute < %(end)s
"""
_COVER = """
insert into eventpulse.coverage as c (rule_id, day, semantic_hash, version, evaluated, live, origin)
select r.rule_id, d.day, r.semantic_hash, r.version,
    tstzmultirange(tstzrange(greatest(%(start)s, d.day), least(%(end)s, d.day + interval '1 day'))), false, %(origin)s
from unnest(%(rules)s::uuid[], %(hashes)s::text[], %(versions)s::int[]) as r (rule_id, semantic_hash, version)
    cross join unnest(%(days)s::date[]) as d (day)
on conflict (rule_id, day, semantic_hash) do update set evaluated = c.evaluated + excluded.evaluated,
    version = excluded.version, origin = excluded.origin, updated_at = clock_timestamp()
"""
_OPEN = """
insert into eventpulse.coverage as c (rule_id, day, semantic_hash, version, evaluated, live, origin)
select r.rule_id, %(day)s, r.semantic_hash, r.version, tstzmultirange(tstzrange(%(since)s, %(until)s)), true, 'live'
from unnest(%(rules)s::uuid[], %(hashes)s::text[], %(versions)s::int[]) as r (rule_id, semantic_hash, version)
on conflict (rule_id, day, semantic_hash) do update set evaluated = c.evaluated + excluded.evaluated,
    version = excluded.version, origin = excluded.origin, live = true, updated_at = clock_timestamp()
"""
_EXTEND = """
update eventpulse.coverage c set updated_at = clock_timestamp(), live = %(through)s < c.day + interval '1 day',
    evaluated = c.evaluated + tstzmultirange(
        tstzrange(upper(c.evaluated), greatest(upper(c.evaluated), least(%(through)s, c.day + interval '1 day'))))
from unnest(%(rules)s::uuid[], %(hashes)s::text[]) as r (rule_id, semantic_hash)
where c.live and c.rule_id = r.rule_id and c.semantic_hash = r.semantic_hash
"""
_CLOSE = """
update eventpulse.coverage c set live = false, updated_at = clock_timestamp()
where c.live and not exists (
    select from unnest(%(rules)s::uuid[], %(hashes)s::text[]) as r (rule_id, semantic_hash)
    where c.rule_id = r.rule_id and c.semantic_hash = r.semantic_hash)
"""

#: The rules with the meaning that coverage knows them by: that of a composite depends on its members, so it is the one
#: it was evaluated with last.
RULES_AS_EVALUATED = """
(select rule_id, name, enabled, coalesce(
    case when document -> 'condition' ->> 'type' = 'composite' then (
        select m.semantic_hash from eventpulse.coverage m where m.rule_id = every.rule_id
        order by m.updated_at desc limit 1) end,
    semantic_hash) as semantic_hash from eventpulse.rules every)
"""

#: What a row `c` of coverage, or none, says has been evaluated. A day that live detection is at is written on only as
#: events come: that none came since is no gap.
EVALUATED_OR_LIVE = """
(coalesce(c.evaluated, '{}') + case when c.live then tstzmultirange(tstzrange(upper(c.evaluated), null)) else '{}' end)
"""

#: Whether a version `v` of a rule is meant by a meaning. What a composite means depends on its members too, and its
#: versions know nothing of those: there it is the versions that say the same as the present one.
MEANT_BY = """
(v.semantic_hash = {meaning} or exists (select from eventpulse.rules r where r.rule_id = v.rule_id
    and r.semantic_hash = v.semantic_hash and r.document -> 'condition' ->> 'type' = 'composite'))
"""


@dataclass(frozen=True)
class Meaning:
    """A rule as far as coverage goes: the version that was evaluated, and the meaning it shares with others."""

    rule_id: UUID
    semantic_hash: str
    version: int


@dataclass(frozen=True)
class Evaluated:
    """A stretch of a day that has been evaluated: from `start` to before `end`."""

    start: datetime
    end: datetime


def start_of(day: date) -> datetime:
    """The first instant of a UTC day."""
    return datetime.combine(day, time(), UTC)


def days_with_events(connection: psycopg.Connection, start: datetime, end: datetime) -> list[date]:
    """The UTC days on which anything is stored, among those that a stretch touches."""
    found = connection.execute(_DAYS_WITH_EVENTS, {"start": start, "end": end}).fetchall()
    return [row[0] for row in found if row[0] is not None]


def cover(
    connection: psycopg.Connection, rules: Sequence[Meaning], start: datetime, end: datetime, *, origin: str
) -> None:
    """Note that a stretch has been evaluated, inside the transaction that stores what came of it."""
    days = days_with_events(connection, start, end)
    if days and rules:
        connection.execute(_COVER, {**_of(rules), "start": start, "end": end, "days": days, "origin": origin})


def uncover(connection: psycopg.Connection, day: date, first: datetime, last: datetime) -> None:
    """Note that events were put into a day behind everybody's back, between two instants (both included)."""
    stretch = {"day": day, "first": first, "last": last}
    connection.execute(
        "update eventpulse.coverage set live = false, updated_at = clock_timestamp(),"
        " evaluated = evaluated"
        " - tstzmultirange(tstzrange(%(first)s, %(last)s::timestamptz + interval '1 microsecond'))"
        " where day = %(day)s",
        stretch,
    )
    connection.execute("delete from eventpulse.coverage where day = %(day)s and isempty(evaluated)", stretch)


def live_on(connection: psycopg.Connection, day: date) -> set[tuple[UUID, str]]:
    """The rules, with their meanings, for which live detection is at a day."""
    rows = connection.execute("select rule_id, semantic_hash from eventpulse.coverage where day = %s and live", (day,))
    return {(rule_id, semantic_hash) for rule_id, semantic_hash in rows}


def stored_on_before(connection: psycopg.Connection, day: date) -> datetime | None:
    """Until when, to the minute, there are stored events of a day; None where there are none."""
    row = connection.execute(
        "select max(minute) + interval '1 minute' from eventpulse.event_rollups where minute >= %s and minute < %s",
        (start_of(day), start_of(day) + _DAY),
    ).fetchone()
    return row[0] if row else None


def open_day(
    connection: psycopg.Connection, rules: Sequence[Meaning], day: date, since: datetime, through: datetime
) -> None:
    """Note that live detection evaluates a day from an instant on, and has got through another."""
    until = min(max(since, through), start_of(day) + _DAY)
    connection.execute(_OPEN, {**_of(rules), "day": day, "since": since, "until": until})


def extend_days(connection: psycopg.Connection, rules: Sequence[Meaning], through: datetime) -> None:
    """Note how far live detection has got with the days that it is at; rules that it has left are at no day."""
    connection.execute(_EXTEND, {**_of(rules), "through": through})
    connection.execute(_CLOSE, _of(rules))


def evaluated_on(
    connection: psycopg.Connection, rules: Sequence[Meaning], first: date, last: date
) -> Mapping[tuple[UUID, date], list[Evaluated]]:
    """What has been evaluated of the days from `first` to `last`, in order, by rule and day; nothing where nothing."""
    rows = connection.execute(
        """
        select c.rule_id, c.day, lower(part), upper(part)
        from unnest(%(rules)s::uuid[], %(hashes)s::text[]) as r (rule_id, semantic_hash)
            join eventpulse.coverage c using (rule_id, semantic_hash), unnest(c.evaluated) as part
        where c.day between %(first)s and %(last)s order by 1, 2, 3
        """,
        {**_of(rules), "first": first, "last": last},
    ).fetchall()
    found: dict[tuple[UUID, date], list[Evaluated]] = {}
    for rule_id, day, start, end in rows:
        found.setdefault((rule_id, day), []).append(Evaluated(start, end))
    return found


def _of(rules: Sequence[Meaning]) -> dict[str, object]:
    return {
        "rules": [rule.rule_id for rule in rules],
        "hashes": [rule.semantic_hash for rule in rules],
        "versions": [rule.version for rule in rules],
    }
