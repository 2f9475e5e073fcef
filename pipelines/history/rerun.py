"""Evaluate the micro-batches of an earlier run again, from the ledger, with the rules as they are now."""

from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg

from eventpulse.database.ledger.ledger import micro_batches_of
from eventpulse.settings import Settings
from pipelines.history.backfill import Backfill
from pipelines.history.history_tally import HistoryTally
from pipelines.read_rules import named_rules

_MINUTE = timedelta(minutes=1)
#: Events of a run that lie closer together than this are evaluated with what is between them.
_CLOSE = timedelta(hours=1)
_MOST_STRETCHES = 100


def rerun(
    connection: psycopg.Connection, settings: Settings, of_run: str, run_id: str, say: Callable[[str], None]
) -> HistoryTally:
    """Evaluate again where the events of another run's micro-batches lie, and make the anomalies that stand be those
    that follow. Where that is so already, nothing is changed."""
    rules = named_rules(connection, None)
    tally = HistoryTally(rules)
    done = micro_batches_of(connection, of_run)
    if not done.minutes:
        say(f"Run {of_run} has no micro-batch with events in the ledger: there is nothing to evaluate again.")
        return tally
    say(
        f"Evaluating {done.batches:,} micro-batches of run {of_run} again ({done.first} to {done.last},"
        f" {done.stored:,} events stored)."
    )
    work = Backfill(connection, settings, origin="rerun", run_id=run_id)
    for start, end in stretches(done.minutes):
        for passed in work.run(work.plan(rules, start, end, again=True)):
            tally.add(passed)
    say(tally.sentence())
    for rule_id, why in tally.faults.items():
        say(f"Rule {rule_id} could not be evaluated: {why}")
    return tally


def stretches(minutes: list[datetime], close: timedelta = _CLOSE) -> list[tuple[datetime, datetime]]:
    """Minutes in order, as a few stretches that hold them all."""
    found: list[tuple[datetime, datetime]] = []
    for minute in minutes:
        if found and minute - found[-1][1] <= close:
            found[-1] = (found[-1][0], minute + _MINUTE)
        else:
            found.append((minute, minute + _MINUTE))
    return found if len(found) <= _MOST_STRETCHES else stretches(minutes, 4 * close)
