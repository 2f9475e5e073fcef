"""What Dagster is told of days that have been evaluated again, whoever did it: how much stands, and what was found."""

from collections.abc import Sequence

import psycopg

from pipelines.history.history_tally import HistoryTally

Said = dict[str, int | str]
_ANOMALIES = """
select (occurred_at at time zone 'UTC')::date::text, count(*) from eventpulse.anomalies
where state = 'current' and occurred_at >= %s::date and occurred_at < %s::date + 1 group by 1
"""
_ALERTS = """
select (opened_at at time zone 'UTC')::date::text, count(*) from eventpulse.alerts
where opened_at >= %s::date and opened_at < %s::date + 1 group by 1
"""


def told_of_anomalies(
    connection: psycopg.Connection, tally: HistoryTally, days: Sequence[str], *, rules: int, origin: str
) -> dict[str, Said]:
    """Of each day: the anomalies that stand, those that are new, and what was evaluated."""
    standing = _count(connection, _ANOMALIES, days)
    return {
        day: {
            "dagster/row_count": standing.get(day, 0),
            "events_evaluated": tally.events_by_day.get(day, 0),
            "found": tally.new_by_day.get(day, 0),
            "rules_evaluated": rules,
            "origin": origin,
        }
        for day in days
    }


def told_of_alerts(
    connection: psycopg.Connection, tally: HistoryTally, days: Sequence[str], *, origin: str
) -> dict[str, Said]:
    """Of each day that has alerts: how many opened on it, and how many of them are new."""
    standing, opened = _count(connection, _ALERTS, days), tally.alerts_by_day
    return {
        day: {"dagster/row_count": standing.get(day, 0), "opened": opened[day], "origin": origin}
        for day in days
        if day in standing or opened[day]
    }


def _count(connection: psycopg.Connection, query: str, days: Sequence[str]) -> dict[str, int]:
    return dict(connection.execute(query, (min(days), max(days))).fetchall()) if days else {}
