"""`eventpulse backfill`: evaluate rules over stored history, where they have not been evaluated yet."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console

from eventpulse.cli.history_connection import connected
from eventpulse.cli.history_progress import HistoryProgress
from eventpulse.cli.stretch import From, To, stretch
from eventpulse.dagster_reports import DagsterReports
from eventpulse.settings import load_settings
from pipelines.history.backfill import Backfill, Piece
from pipelines.history.history_tally import HistoryTally
from pipelines.history.told_days import told_of_alerts, told_of_anomalies
from pipelines.live.announce import announce_history
from pipelines.read_rules import named_rules
from rules.rule import Rule


def backfill(
    first: From = None,
    last: To = None,
    rule: Annotated[list[str] | None, typer.Option("--rule", help="Only this rule, by name or id; repeatable.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Evaluate also what has been evaluated before.")] = False,
    notify: Annotated[
        bool,
        typer.Option("--notify", help="Announce what is found and notify of its alerts, as if it happened now."),
    ] = False,
) -> None:
    """Evaluate rules over stored history. Live detection goes on; what was evaluated before is left out; interrupted,
    the same command goes on from there. Nobody is notified unless --notify is given."""
    settings = load_settings()
    start, end = stretch(first, last)
    with connected(settings, "backfill") as connection:
        rules = named_rules(connection, rule)
        work = Backfill(connection, settings, asked=notify)
        pieces = work.plan(rules, start, end, again=again)
        if not pieces:
            typer.echo("There is nothing to do: everything stored there has been evaluated. --again does it again.")
            return
        typer.echo(plan_in_words(pieces))
        tally = work_through(work, rules, pieces, notify=notify)
    if tally.faults:
        raise typer.Exit(1)


def work_through(
    work: Backfill, rules: Sequence[Rule], pieces: Sequence[Piece], *, notify: bool = False
) -> HistoryTally:
    """Evaluate what is planned, show how it gets on and what came of it, and tell Dagster."""
    redis_url = work.settings.redis_url.get_secret_value() if work.settings.redis_url else ""
    tally, told = HistoryTally(rules), 0
    try:
        with HistoryProgress("Backfill", sum(piece.events for piece in pieces)) as progress:
            for passed in work.run(pieces):
                tally.add(passed)
                progress.advance(passed.events, passed.end, tally.in_short())
                if notify:
                    told += announce_history(redis_url, passed.new, rules, origin=work.origin)
    except KeyboardInterrupt:
        typer.echo("Interrupted. `eventpulse backfill` goes on from here.", err=True)
        raise typer.Exit(130) from None
    finally:
        _tell_dagster(work, tally, len(rules))
    tally.show(Console(highlight=False))
    rate = progress.passed / max(progress.seconds, 0.001)
    typer.echo(f"{progress.passed:,} events in {timedelta(seconds=round(progress.seconds))}: {rate:,.0f} events/s.")
    if notify:
        typer.echo(f"{told:,} anomalies were announced.")
    return tally


def _tell_dagster(work: Backfill, tally: HistoryTally, rules: int) -> None:
    reports, days = DagsterReports(work.settings), sorted(tally.new_by_day)
    if work.connection.broken:
        return  # which is what ended the command, and it says so
    reports.materialised("anomalies", told_of_anomalies(work.connection, tally, days, rules=rules, origin=work.origin))
    reports.materialised("alerts", told_of_alerts(work.connection, tally, days, origin=work.origin))


def plan_in_words(pieces: Sequence[Piece]) -> str:
    """What is going to be evaluated."""
    rules = {rule.rule_id for piece in pieces for rule in piece.rules}
    events = sum(piece.events for piece in pieces)
    first, last = min(piece.start for piece in pieces), max(piece.end for piece in pieces)
    return f"{len(rules)} rules over {events:,} events from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} (UTC)."
