"""Read and write alerts as detection changes them: in bulk, inside the transaction that writes their anomalies.

An alert gathers as long as neither a person has resolved it nor its rule is gone. Rows that are read here stay locked
until the transaction ends, so that a person's change and detection's follow one another.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

What = Literal["opened", "reopened", "resolved", "noted"]

#: How an alert came to an end that gathers nothing any more.
SEALED = ("person", "rule_removed")


@dataclass
class AlertRow:
    """An alert as detection knows it."""

    alert_id: str
    rule_id: UUID
    group: str
    group_key: int
    meaning: str
    state: str
    resolution: str | None
    opened_at: datetime
    last_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    was_acknowledged: bool
    anomaly_count: int
    message: str
    value: float | None
    threshold: float | None
    expected: str | None
    first_anomaly_id: str
    latest_anomaly_id: str
    origin: str

    @property
    def gathers(self) -> bool:
        """Whether anomalies may still come to it."""
        return self.resolution not in SEALED


@dataclass(frozen=True)
class NewAlert:
    """What is known of an alert only when it opens."""

    row: AlertRow
    rule_name: str
    rule_version: int
    severity: str
    mode: str
    labels: str


@dataclass(frozen=True)
class Looked:
    """A group of a rule whose alerts from an instant on are looked at."""

    rule_id: UUID
    meaning: str
    group: str
    group_key: int
    since: datetime


@dataclass(frozen=True)
class Note:
    """One thing that became of an alert. `tells` is what somebody shall hear of it, if anything."""

    alert_id: str
    what: What
    origin: str
    tells: Literal["opened", "resolved"] | None = None
    note: str | None = None


_COLUMNS = """
    alert_id::text, rule_id, "group"::text, group_key, meaning, state, resolution, opened_at, last_at, due_at, ended_at,
    acknowledged_at is not null, anomaly_count, message, value, threshold, expected, first_anomaly_id::text,
    latest_anomaly_id::text, origin
"""
#: The columns of `alert_queries.SHOWN`; a test holds the two together.
_SHOWN = """
    alert_id::text, rule_id::text, rule_name, rule_version, severity, mode, labels::text, "group"::text, group_key,
    state, opened_at, last_at, ended_at, created_at, updated_at, acknowledged_at, acknowledged_by, resolved_at,
    resolved_by, resolution, anomaly_count, message, value, threshold, expected, first_anomaly_id::text,
    latest_anomaly_id::text, origin, batch_id, dagster_run_id
"""
_KNOWN = f"""
select {_COLUMNS} from eventpulse.alerts a
where a.alert_id in (
    select unnest(%(ids)s::uuid[])
    union
    select k.alert_id from unnest(%(rules)s::uuid[], %(meanings)s::text[], %(keys)s::bigint[], %(since)s::timestamptz[])
            as g (rule_id, meaning, group_key, since)
        join eventpulse.alerts k on k.rule_id = g.rule_id and k.group_key = g.group_key and k.meaning = g.meaning
            and (k.opened_at >= g.since or k.due_at is null or k.due_at >= g.since)
            and k.opened_at < coalesce(%(until)s, 'infinity'::timestamptz)
)
order by a.alert_id for update
"""
_HOLDERS = """
select anomaly_id::text, alert_id::text from eventpulse.anomalies
where anomaly_id = any(%s::uuid[]) and alert_id is not null and state = 'current'
"""
_OPEN = """
insert into eventpulse.alerts
    (alert_id, rule_id, rule_name, rule_version, severity, mode, labels, "group", group_key, meaning, state, resolution,
     resolved_at, resolved_by, opened_at, last_at, due_at, ended_at, anomaly_count, message, value, threshold, expected,
     first_anomaly_id, latest_anomaly_id, origin, batch_id, dagster_run_id)
select alert_id, rule_id, rule_name, rule_version, severity, mode, labels, "group", group_key, meaning, state,
    resolution, case when state = 'resolved' then clock_timestamp() end,
    case when state = 'resolved' then 'eventpulse' end, opened_at, last_at, due_at, ended_at, anomaly_count, message,
    value, threshold, expected, first_anomaly_id, latest_anomaly_id, origin, %(batch_id)s, %(run_id)s
from unnest(%(alert_id)s::uuid[], %(rule_id)s::uuid[], %(rule_name)s::text[], %(rule_version)s::int[],
    %(severity)s::text[], %(mode)s::text[], %(labels)s::json[], %(group)s::json[], %(group_key)s::bigint[],
    %(meaning)s::text[], %(state)s::text[], %(resolution)s::text[], %(opened_at)s::timestamptz[],
    %(last_at)s::timestamptz[], %(due_at)s::timestamptz[], %(ended_at)s::timestamptz[], %(anomaly_count)s::bigint[],
    %(message)s::text[], %(value)s::float8[], %(threshold)s::float8[], %(expected)s::text[],
    %(first_anomaly_id)s::uuid[], %(latest_anomaly_id)s::uuid[], %(origin)s::text[])
    as t (alert_id, rule_id, rule_name, rule_version, severity, mode, labels, "group", group_key, meaning, state,
        resolution, opened_at, last_at, due_at, ended_at, anomaly_count, message, value, threshold, expected,
        first_anomaly_id, latest_anomaly_id, origin)
"""
_CHANGE = """
update eventpulse.alerts a set state = t.state, resolution = t.resolution,
    resolved_at = case when t.state = 'resolved' then coalesce(a.resolved_at, clock_timestamp()) end,
    resolved_by = case when t.state = 'resolved' then coalesce(a.resolved_by, 'eventpulse') end,
    opened_at = t.opened_at, last_at = t.last_at, due_at = t.due_at, ended_at = t.ended_at,
    anomaly_count = t.anomaly_count, message = t.message, value = t.value, threshold = t.threshold,
    expected = t.expected, first_anomaly_id = t.first_anomaly_id, latest_anomaly_id = t.latest_anomaly_id,
    updated_at = clock_timestamp()
from unnest(%(alert_id)s::uuid[], %(state)s::text[], %(resolution)s::text[], %(opened_at)s::timestamptz[],
    %(last_at)s::timestamptz[], %(due_at)s::timestamptz[], %(ended_at)s::timestamptz[], %(anomaly_count)s::bigint[],
    %(message)s::text[], %(value)s::float8[], %(threshold)s::float8[], %(expected)s::text[],
    %(first_anomaly_id)s::uuid[], %(latest_anomaly_id)s::uuid[])
    as t (alert_id, state, resolution, opened_at, last_at, due_at, ended_at, anomaly_count, message, value, threshold,
        expected, first_anomaly_id, latest_anomaly_id)
where a.alert_id = t.alert_id
"""
_EXTEND = """
update eventpulse.alerts a set due_at = t.due_at from unnest(%s::uuid[], %s::timestamptz[]) as t (alert_id, due_at)
where a.alert_id = t.alert_id
"""
# What has left an alert may have been its newest or its oldest anomaly; the others say what is left.
_READ_AGAIN = """
update eventpulse.alerts a set opened_at = oldest.occurred_at, first_anomaly_id = oldest.anomaly_id,
    last_at = newest.occurred_at, latest_anomaly_id = newest.anomaly_id, message = newest.message, value = newest.value,
    threshold = newest.threshold, expected = newest.expected
from (
    select distinct on (alert_id) * from eventpulse.anomalies where alert_id = any(%(ids)s::uuid[])
        and state = 'current' order by alert_id, occurred_at, position nulls first, anomaly_id
) oldest join (
    select distinct on (alert_id) * from eventpulse.anomalies where alert_id = any(%(ids)s::uuid[])
        and state = 'current' order by alert_id, occurred_at desc, position desc nulls last, anomaly_id desc
) newest using (alert_id)
where a.alert_id = oldest.alert_id
"""
_NOTE = """
with noted as (
    insert into eventpulse.alert_history (alert_id, what, note)
    select * from unnest(%(alert_id)s::uuid[], %(what)s::text[], %(note)s::text[])
), told as (
    insert into eventpulse.outbox (alert_id, what, origin, asked)
    select alert_id, what, origin, %(asked)s
    from unnest(%(told)s::uuid[], %(tells)s::text[], %(origin)s::text[]) as t (alert_id, what, origin)
    returning 1
)
select pg_notify('eventpulse_outbox', '') from (select from told limit 1) as any_told
"""


def known_alerts(
    connection: psycopg.Connection, looked: Sequence[Looked], alert_ids: Collection[str], until: datetime | None = None
) -> dict[str, AlertRow]:
    """The alerts of some groups that began after an instant or last until then, and before `until`, and some others by
    their ids."""
    rows = connection.execute(
        _KNOWN,
        {
            "ids": list(alert_ids),
            "until": until,
            "rules": [each.rule_id for each in looked],
            "meanings": [each.meaning for each in looked],
            "keys": [each.group_key for each in looked],
            "since": [each.since for each in looked],
        },
    )
    return {row[0]: AlertRow(*row) for row in rows}


def holders(connection: psycopg.Connection, anomaly_ids: Collection[str]) -> dict[str, str]:
    """Which alert holds each of these anomalies, as far as they stand and one does."""
    return dict(connection.execute(_HOLDERS, (list(anomaly_ids),)).fetchall()) if anomaly_ids else {}


def taken_ids(connection: psycopg.Connection, alert_ids: Collection[str]) -> dict[str, bool]:
    """Which of some ids an alert has already, and whether it holds any anomaly."""
    rows = connection.execute(
        "select a.alert_id::text, exists ("
        "select from eventpulse.anomalies n where n.alert_id = a.alert_id and n.state = 'current')"
        " from eventpulse.alerts a where a.alert_id = any(%s::uuid[])",
        (list(alert_ids),),
    )
    return dict(rows.fetchall())


def open_alerts(connection: psycopg.Connection, new: Sequence[NewAlert], *, batch_id: int, run_id: str | None) -> None:
    """Insert alerts, those that are over already too."""
    rows = [each.row for each in new]
    more: dict[str, Any] = {
        name: [getattr(each, name) for each in new]
        for name in ("rule_name", "rule_version", "severity", "mode", "labels")
    }
    connection.execute(_OPEN, _in_columns(rows) | more | {"batch_id": batch_id, "run_id": run_id})


def change_alerts(connection: psycopg.Connection, rows: Sequence[AlertRow]) -> None:
    """Let alerts be as these rows say."""
    values = _in_columns(rows)
    connection.execute(_CHANGE, {name: of_each for name, of_each in values.items() if f"%({name})s" in _CHANGE})


def extend_alerts(connection: psycopg.Connection, due: Mapping[str, datetime | None]) -> None:
    """Note anew when alerts will have ended."""
    connection.execute(_EXTEND, (list(due.keys()), list(due.values())))


def move_anomalies(connection: psycopg.Connection, alert_of: Mapping[str, str]) -> None:
    """Let anomalies be held by other alerts."""
    connection.execute(
        "update eventpulse.anomalies a set alert_id = t.alert_id"
        " from unnest(%s::uuid[], %s::uuid[]) as t (anomaly_id, alert_id) where a.anomaly_id = t.anomaly_id",
        (list(alert_of.keys()), list(alert_of.values())),
    )


def read_again(connection: psycopg.Connection, alert_ids: Collection[str]) -> None:
    """Let alerts say of their oldest and newest anomaly what those say."""
    connection.execute(_READ_AGAIN, {"ids": list(alert_ids)})


def groups_with_alerts(
    connection: psycopg.Connection, meanings: Mapping[UUID, str], start: datetime, end: datetime
) -> dict[UUID, set[str]]:
    """By rule, the groups with alerts that gather, or did, somewhere from `start` to before `end`."""
    rows = connection.execute(
        """
        select a.rule_id, a."group"::text from eventpulse.alerts a
            join unnest(%s::uuid[], %s::text[]) as r (rule_id, meaning) using (rule_id, meaning)
        where a.opened_at < %s and (a.due_at is null or a.due_at >= %s)
            and (a.resolution is null or a.resolution <> all(%s))
        """,
        (list(meanings.keys()), list(meanings.values()), end, start, list(SEALED)),
    )
    groups: dict[UUID, set[str]] = {}
    for rule_id, group in rows:
        groups.setdefault(rule_id, set()).add(group)
    return groups


def unresolved(connection: psycopg.Connection) -> list[AlertRow]:
    """Every alert that has not been resolved."""
    rows = connection.execute(f"select {_COLUMNS} from eventpulse.alerts where state <> 'resolved'")
    return [AlertRow(*row) for row in rows]


def ended_through(connection: psycopg.Connection) -> dict[UUID, datetime]:
    """By rule: the last instant at which one of its resolved alerts was over."""
    rows = connection.execute(
        "select rule_id, max(due_at) from eventpulse.alerts"
        " where state = 'resolved' and due_at is not null group by rule_id"
    )
    return dict(rows.fetchall())


def lock_unresolved(connection: psycopg.Connection, alert_ids: Collection[str]) -> list[AlertRow]:
    """Those of some alerts that nobody has resolved yet."""
    query = (
        f"select {_COLUMNS} from eventpulse.alerts where alert_id = any(%s::uuid[]) and state <> 'resolved'"
        " order by alert_id for update"
    )
    return [AlertRow(*row) for row in connection.execute(query, (list(alert_ids),))]


def shown_alerts(connection: psycopg.Connection, alert_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Some alerts as people are shown them, by id."""
    query = f"select {_SHOWN} from eventpulse.alerts where alert_id = any(%s::uuid[])"
    with connection.cursor(row_factory=dict_row) as cursor:
        return {row["alert_id"]: row for row in cursor.execute(query, (list(alert_ids),))}


def note(connection: psycopg.Connection, notes: Sequence[Note], *, asked: bool = False) -> None:
    """Write down what became of alerts, and the intention to tell of it; whoever sends hears of that at the commit."""
    telling = [each for each in notes if each.tells is not None]
    connection.execute(
        _NOTE,
        {
            "alert_id": [each.alert_id for each in notes],
            "what": [each.what for each in notes],
            "note": [each.note for each in notes],
            "told": [each.alert_id for each in telling],
            "tells": [each.tells for each in telling],
            "origin": [each.origin for each in telling],
            "asked": asked,
        },
    )


def _in_columns(rows: Sequence[AlertRow]) -> dict[str, list[Any]]:
    return {field.name: [getattr(row, field.name) for row in rows] for field in fields(AlertRow)}
