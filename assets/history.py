"""Evaluate days of history inside a Dagster run, and show there what came of it."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta

import dagster as dg
import psycopg
from pydantic import Field

from assets.partitions import daily
from eventpulse.database.connect import open_connection
from eventpulse.database.coverage import start_of
from eventpulse.settings import Settings, load_settings
from pipelines.announce import announce_history
from pipelines.backfill import Backfill
from pipelines.history_tally import HistoryTally
from pipelines.read_rules import named_rules

#: Before the first partition of all there is no partition; its day stands for everything earlier.
_BEGINNING = start_of(date.min)
_DAY = timedelta(days=1)


class HistoryOptions(dg.Config):
    """What a person can choose when days are evaluated again."""

    rules: list[str] = Field([], description="Only these rules, by name or id. Empty: all that are enabled.")
    only_gaps: bool = Field(False, description="Leave out what has been evaluated before.")
    notify: bool = Field(False, description="Announce what is found and notify of its alerts, as if it happened now.")


@contextmanager
def history_connection(settings: Settings, run_id: str) -> Iterator[psycopg.Connection]:
    """The connection of a run that works on history."""
    name = f"eventpulse history {run_id}"
    with closing(open_connection(settings.database_address(), application=name)) as connection:
        yield connection


def backfill_days(context: dg.AssetExecutionContext, options: HistoryOptions) -> None:
    """Evaluate rules over the partitions of the run, slice by slice, and report each day."""
    settings = load_settings()
    with history_connection(settings, context.run.run_id) as connection:
        rules = named_rules(connection, options.rules)
        tally = HistoryTally(rules)
        work = Backfill(connection, settings, run_id=context.run.run_id, asked=options.notify)
        for start, end in stretches_of(context.partition_keys):
            pieces = work.plan(rules, start, end, again=not options.only_gaps)
            context.log.info(f"{start:%Y-%m-%d} to {end - _DAY:%Y-%m-%d}: {sum(p.events for p in pieces):,} events.")
            for passed in work.run(pieces):
                tally.add(passed)
                context.log.info(f"At {passed.end:%Y-%m-%d %H:%M}: {tally.events:,} events; {tally.in_short()}.")
                if options.notify and settings.redis_url is not None:
                    url = settings.redis_url.get_secret_value()
                    announce_history(url, passed.new, rules, origin="backfill")
        standing = _standing_by_day(connection, context.partition_keys)
        alerts = _alerts_by_day(connection, context.partition_keys)
        context.log.info(tally.sentence())
        for day in context.partition_keys:
            metadata = {
                "dagster/row_count": standing.get(day, 0),
                "events_evaluated": tally.events_by_day.get(day, 0),
                "found": tally.new_by_day.get(day, 0),
                "rules": len(rules),
                "origin": "backfill",
            }
            context.add_asset_metadata(metadata, partition_key=day)
            if day in alerts or tally.alerts_by_day[day]:
                of_alerts: dict[str, int | str] = {
                    "dagster/row_count": alerts.get(day, 0),
                    "opened": tally.alerts_by_day[day],
                    "origin": "backfill",
                }
                context.log_event(dg.AssetMaterialization("alerts", partition=day, metadata=of_alerts))
    if tally.faults:
        names = {rule.rule_id: rule.name for rule in rules}
        raise dg.Failure("; ".join(f'"{names[rule_id]}": {why}' for rule_id, why in tally.faults.items()))


def stretches_of(days: Sequence[str]) -> list[tuple[datetime, datetime]]:
    """Days as stretches of event time: days that follow on each other are one."""
    found: list[tuple[datetime, datetime]] = []
    for day in sorted(date.fromisoformat(day) for day in days):
        start = _BEGINNING if day == daily.start.date() else start_of(day)
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], start_of(day) + _DAY)
        else:
            found.append((start, start_of(day) + _DAY))
    return found


def _standing_by_day(connection: psycopg.Connection, days: Sequence[str]) -> dict[str, int]:
    rows = connection.execute(
        """
        select (occurred_at at time zone 'UTC')::date::text, count(*) from eventpulse.anomalies
        where state = 'current' and occurred_at >= %s::date and occurred_at < %s::date + 1 group by 1
        """,
        (min(days), max(days)),
    ).fetchall()
    return dict(rows)


def _alerts_by_day(connection: psycopg.Connection, days: Sequence[str]) -> dict[str, int]:
    """How many alerts opened on each day."""
    rows = connection.execute(
        """
        select (opened_at at time zone 'UTC')::date::text, count(*) from eventpulse.alerts
        where opened_at >= %s::date and opened_at < %s::date + 1 group by 1
        """,
        (min(days), max(days)),
    ).fetchall()
    return dict(rows)
