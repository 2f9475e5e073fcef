"""`eventpulse audit`: evaluate closed days afresh and compare with what stands; with --repair, make it agree."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from eventpulse.cli.history_connection import connected
from eventpulse.cli.stretch import From, To, stretch
from eventpulse.clock import utc_now
from eventpulse.database.anomalies.audits import DayAudit, Finding
from eventpulse.database.anomalies.coverage import days_with_events, start_of
from eventpulse.errors import EventPulseError
from eventpulse.settings import load_settings
from pipelines.history.audit import Auditor
from pipelines.read_rules import named_rules


def audit(
    first: From = None,
    last: To = None,
    rule: Annotated[list[str] | None, typer.Option("--rule", help="Only this rule, by name or id; repeatable.")] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Where anomalies differ, make those that follow stand.")
    ] = False,
) -> None:
    """Evaluate closed days afresh, and say what is missing, extra or changed among the anomalies that stand.

    The exit code is 1 if anything differs and is not repaired.
    """
    settings = load_settings()
    start, end = stretch(first, last)
    end = min(end, start_of(utc_now().date()))
    console = Console(highlight=False, soft_wrap=True)
    with connected(settings, "audit") as connection:
        auditor = Auditor(connection, settings, named_rules(connection, rule))
        days = [day for day in days_with_events(connection, start, end) if start_of(day) + timedelta(days=1) <= end]
        if not days:
            raise EventPulseError("No closed day with events lies there. A day is closed when it is over, in UTC.")
        agree = True
        for day in days:
            if repair:
                found, left = auditor.audit_and_repair(day, lambda sentence: console.print(sentence, markup=False))
            else:
                found = left = auditor.audit(day)
            agree = agree and left.agrees
            _show(console, found, repaired=left.agrees and not found.agrees)
    if not agree:
        raise typer.Exit(1)


def _show(console: Console, found: DayAudit, *, repaired: bool) -> None:
    verdict = "agrees" if found.agrees else "differs, and is repaired" if repaired else "differs"
    counts = f"{found.total('computed'):,} anomalies follow from {found.events:,} events"
    console.print(f"{found.day}: {verdict}; {counts}, {found.total('standing'):,} stand.", markup=False)
    differing = [finding for finding in found.findings if finding.differs]
    if differing:
        console.print(_table(differing))
    for finding in found.findings:
        for remark in finding.remarks:
            console.print(f'    "{finding.rule_name}": {remark}', markup=False)


def _table(findings: list[Finding]) -> Table:
    table = Table("    rule", box=None, pad_edge=False)
    for heading in ("missing", "extra", "changed"):
        table.add_column(heading, justify="right")
    for finding in findings:
        numbers = (finding.missing, finding.extra, finding.changed)
        table.add_row(f"    {finding.rule_name}".replace("[", r"\["), *(f"{number:,}" for number in numbers))
    return table
