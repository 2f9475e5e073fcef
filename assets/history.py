"""Evaluate days of history inside a Dagster run, and show there what came of it."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta

import dagster as dg
import psycopg
from pydantic import Field

from assets.history_report import HistoryReport
from assets.partitions import daily
from eventpulse.database.anomalies.coverage import start_of
from eventpulse.database.connect import open_connection
from eventpulse.settings import Settings, load_settings
from pipelines.history.backfill import Backfill, Piece
from pipelines.history.history_tally import HistoryTally
from pipelines.history.reevaluate import Passed
from pipelines.live.announce import announce_history
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


def backfill_days(
    context: dg.AssetExecutionContext, options: HistoryOptions
) -> Iterator[dg.AssetMaterialization | dg.MaterializeResult]:
    """Evaluate rules over the partitions of the run, slice by slice, and report days as soon as they are done, so that
    a run that is interrupted need not be repeated as a whole."""
    settings = load_settings()
    days = sorted(context.partition_keys)
    with history_connection(settings, context.run.run_id) as connection:
        rules = named_rules(connection, options.rules)
        tally = HistoryTally(rules)
        work = Backfill(connection, settings, run_id=context.run.run_id, asked=options.notify)
        report = HistoryReport(connection, tally, days, len(rules))
        for start, end in stretches_of(days):
            pieces = work.plan(rules, start, end, again=not options.only_gaps)
            context.log.info(f"{_in_words(start, end)}: {sum(piece.events for piece in pieces):,} events.")
            done: datetime | None = None
            for passed, next_done in _slice_by_slice(work, pieces):
                if done is not None and not tally.faults:
                    yield from report.done_before(done)
                done = next_done
                tally.add(passed)
                context.log.info(f"At {passed.end:%Y-%m-%d %H:%M}: {tally.events:,} events; {tally.in_short()}.")
                if options.notify and settings.redis_url is not None:
                    url = settings.redis_url.get_secret_value()
                    announce_history(url, passed.new, rules, origin="backfill")
        context.log.info(tally.sentence())
        yield from report.of_alerts()
        if tally.faults:
            names = {rule.rule_id: rule.name for rule in rules}
            raise dg.Failure("; ".join(f'"{names[rule_id]}": {why}' for rule_id, why in tally.faults.items()))
        for day, metadata in report.of_all().items():
            context.add_asset_metadata(metadata, partition_key=day)
    yield dg.MaterializeResult()


def _in_words(start: datetime, end: datetime) -> str:
    last = f"{end - _DAY:%Y-%m-%d}"
    return f"Up to {last}" if start == _BEGINNING else f"{start:%Y-%m-%d} to {last}"


def _slice_by_slice(work: Backfill, pieces: Sequence[Piece]) -> Iterator[tuple[Passed, datetime]]:
    """Each slice, and the instant before which nothing is left to do after it."""
    for number, piece in enumerate(pieces, start=1):
        others = min((later.start for later in pieces[number:]), default=piece.end)
        for passed in work.run([piece]):
            yield passed, min(passed.end, piece.end, others)


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
