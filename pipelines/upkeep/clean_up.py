"""Clean up: remove what has been kept long enough, ours and Dagster's. Every step can be cut off and done again."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import dagster as dg
import psycopg

from eventpulse.clock import iso_utc, utc_now
from eventpulse.database.connect import open_connection
from eventpulse.database.events.retention import (
    count_open_dead_letters,
    remove_alerts,
    remove_anomalies,
    remove_audits,
    remove_batches,
    remove_coverage,
    remove_dead_letters,
    remove_deliveries,
    remove_events,
)
from eventpulse.settings import Settings, load_settings
from pipelines.read_rules import read_rules
from pipelines.upkeep.prune_reports import prune_reports
from pipelines.upkeep.prune_runs import prune_runs
from rules.evaluation import look_back

CLEAN_UP_JOB = "clean_up"
#: How long audits stay to which a later one of the same day has been added, and coverage by rules that are no more.
KEEP_SUPERSEDED = timedelta(days=30)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
Say = Callable[[str], None]


@dataclass(frozen=True)
class CleanedUp:
    """What went, and what an operator should know."""

    events: int = 0
    days: list[str] = field(default_factory=list)
    anomalies: int = 0
    alerts: int = 0
    batches: int = 0
    dead_letters: int = 0
    open_dead_letters: int = 0
    audits: int = 0
    coverage: int = 0
    warnings: list[str] = field(default_factory=list)


def clean_up_tables(connection: psycopg.Connection, settings: Settings, now: datetime) -> CleanedUp:
    """Remove what is older than the settings want it kept; 0 keeps for ever.

    A micro-batch stays as long as anything may point to it, so it goes when both events and anomalies of its age have.
    """
    events_from = _limit(now, settings.event_retention_days)
    anomalies_from = _limit(now, settings.anomaly_retention_days)
    events, days, letters, open_letters, batches = 0, [], 0, 0, 0
    if events_from is not None:
        events, dropped = remove_events(connection, events_from)
        days = [day.isoformat() for day in dropped]
        letters = remove_dead_letters(connection, events_from)
        open_letters = count_open_dead_letters(connection, events_from)
    anomalies = 0 if anomalies_from is None else remove_anomalies(connection, anomalies_from)
    alerts = 0 if anomalies_from is None else remove_alerts(connection, anomalies_from)
    if events_from is not None and anomalies_from is not None:
        batches = remove_batches(connection, min(events_from, anomalies_from))
    audits = remove_audits(connection, anomalies_from or _BEGINNING, now - KEEP_SUPERSEDED)
    coverage = remove_coverage(connection, now - KEEP_SUPERSEDED)
    if anomalies_from is not None:
        remove_deliveries(connection, anomalies_from)
    warnings = list(_warnings(connection, settings))
    return CleanedUp(events, days, anomalies, alerts, batches, letters, open_letters, audits, coverage, warnings)


@dg.op(
    name="clean_up_tables_and_runs",
    description="Removes events and anomalies older than EVENT_RETENTION_DAYS and ANOMALY_RETENTION_DAYS, what belongs "
    "to them, and Dagster's runs that ended more than EVENTPULSE_RUN_RETENTION_DAYS ago.",
)
def clean_up_op(context: dg.OpExecutionContext) -> None:
    """One clean-up."""
    settings, now = load_settings(), utc_now()
    application = f"eventpulse clean up {context.run_id}"
    with closing(open_connection(settings.database_address(), application=application)) as connection:
        gone = clean_up_tables(connection, settings, now)
    runs_from = _limit(now, settings.run_retention_days)
    runs = 0 if runs_from is None else prune_runs(context.instance, runs_from)
    reports = 0 if runs_from is None else prune_reports(context.instance, runs_from)
    for warning in gone.warnings:
        context.log.warning(warning)
    context.log.info(
        f"Removed {gone.events} events ({len(gone.days)} whole days), {gone.anomalies} anomalies, {gone.alerts} "
        f"resolved alerts, {gone.batches} "
        f"micro-batches, {gone.dead_letters} closed dead letters, {gone.audits} audits, {gone.coverage} "
        f"rows of coverage, {runs} runs, {reports} reports outside of runs."
    )
    context.add_output_metadata(
        {
            "events": gone.events,
            "whole_days": gone.days,
            "anomalies": gone.anomalies,
            "resolved_alerts": gone.alerts,
            "micro_batches": gone.batches,
            "closed_dead_letters": gone.dead_letters,
            "open_dead_letters_that_old": gone.open_dead_letters,
            "audits": gone.audits,
            "coverage": gone.coverage,
            "dagster_runs": runs,
            "dagster_reports": reports,
            "events_kept_from": _said(_limit(now, settings.event_retention_days)),
            "anomalies_kept_from": _said(_limit(now, settings.anomaly_retention_days)),
            "runs_kept_from": _said(runs_from),
        }
    )


@dg.job(
    name=CLEAN_UP_JOB,
    executor_def=dg.in_process_executor,
    description="Removes what has been kept long enough: events, anomalies, and Dagster's own runs.",
    tags={"eventpulse/role": "clean up"},
)
def clean_up() -> None:
    """The clean-up, started by its schedule."""
    clean_up_op()


clean_up_hourly = dg.ScheduleDefinition(
    name="clean_up_hourly",
    job=clean_up,
    cron_schedule="17 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Removes once an hour what has been kept long enough.",
)


def _limit(now: datetime, days: int) -> datetime | None:
    return now - timedelta(days=days) if days else None


def _said(limit: datetime | None) -> str:
    return "the beginning" if limit is None else iso_utc(limit)


def _warnings(connection: psycopg.Connection, settings: Settings) -> Iterator[str]:
    """Rules that look further back than events are kept: a late event, or a rerun, finds less than was there."""
    if not settings.event_retention_days:
        return
    kept = timedelta(days=settings.event_retention_days) - timedelta(seconds=settings.correct_seconds)
    for rule in read_rules(connection)[0]:
        if look_back(rule) > kept:
            yield (
                f'Rule "{rule.name}" may look further back than events are kept ({settings.event_retention_days} days) '
                "when a late event comes or history is evaluated again. Raise EVENT_RETENTION_DAYS, or lower the "
                "rule's window or EVENTPULSE_CORRECT_SECONDS."
            )
