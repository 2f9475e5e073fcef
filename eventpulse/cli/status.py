"""`eventpulse status`: how every part is, what waits, what became of the events; non-zero if something is down."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from eventpulse.balance import Balance
from eventpulse.cli.api_address import api_address, authorization
from eventpulse.clock import iso_utc
from eventpulse.database.ledger.ledger_queries import BatchSummary
from eventpulse.health.part import State, Unanswered
from eventpulse.health.report import Report, gather
from eventpulse.settings import load_settings
from rules.routing.retry import DEAD_AFTER

_COLOURS = {State.UP: "green", State.WARNING: "yellow", State.DOWN: "red", State.UNKNOWN: "dim"}


def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")] = False,
    key: Annotated[str | None, typer.Option(envvar="EVENTPULSE_API_KEY", help="API key, where one is needed.")] = None,
) -> None:
    """Show how EventPulse is. The exit code is 1 if something is down."""
    settings = load_settings()
    report = gather(
        settings,
        api_url=api_address(settings),
        dagster_url=settings.dagster_webserver,
        headers=authorization(key),
        dead_after=DEAD_AFTER,
    )
    if as_json:
        typer.echo(json.dumps(as_document(report), indent=2))
    else:
        show(report, Console(highlight=False))
    if not report.healthy:
        raise typer.Exit(1)


def show(report: Report, console: Console) -> None:
    """The report as tables and sentences."""
    parts = Table("part", "state", "", box=None, pad_edge=False)
    for part in report.parts:
        parts.add_row(part.name, f"[{_COLOURS[part.state]}]{part.state}[/]", _plain(part.sentence))
    console.print(parts)
    console.print()
    console.print(f"Backlog: {_backlog(report)}", markup=False)
    console.print(f"Balance: {_balance(report)}", markup=False)
    console.print(f"Ledger: {_ledger(report)}", markup=False)
    console.print(f"Alerts: {_alerts(report)}", markup=False)
    console.print(f"Notifications: {_sending(report)}", markup=False)
    for sentence in _rules(report):
        console.print(f"Rules: {sentence}", markup=False)
    if isinstance(report.batches, Unanswered):
        console.print(f"Last micro-batches: {report.batches.reason}", markup=False)
    elif report.batches:
        console.print()
        console.print(_batches(report.batches))


def as_document(report: Report) -> dict[str, Any]:
    """The report for a program to read."""
    return {
        "healthy": report.healthy,
        "parts": [asdict(part) for part in report.parts],
        "backlog": _fields(report.backlog),
        "shards": [{"shard": shard, **_fields(each)} for shard, each in report.backlog_of_shards.items()],
        "balance": _equation(report.balance),
        "ledger": _fields(report.ledger),
        "alerts": _by_state(report.alerts),
        "notifications": _fields(report.sending),
        "rules": (
            _fields(report.troubled_rules)
            if isinstance(report.troubled_rules, Unanswered)
            else [_fields(rule) for rule in report.troubled_rules]
        ),
        "batches": (
            _fields(report.batches)
            if isinstance(report.batches, Unanswered)
            else [
                {**_fields(batch), "seconds": batch.seconds, "oldest_waited_seconds": batch.oldest_waited_seconds}
                for batch in report.batches
            ]
        ),
    }


def _fields(record: Any) -> dict[str, Any]:
    if isinstance(record, Unanswered):
        return {"unanswered": record.reason}
    return {name: iso_utc(value) if isinstance(value, datetime) else value for name, value in asdict(record).items()}


def _backlog(report: Report) -> str:
    match report.backlog:
        case Unanswered(reason):
            return reason
        case backlog if backlog.oldest_seconds is None:
            return "empty"
        case backlog:
            said = f"{backlog.entries:,} stream entries, the oldest waits for {backlog.oldest_seconds:.3f} s"
            return said + _of_shards(report)


def _of_shards(report: Report) -> str:
    if len(report.backlog_of_shards) < 2:
        return ""
    waiting = [f"shard {shard}: {each.entries:,}" for shard, each in report.backlog_of_shards.items() if each.entries]
    return f" ({', '.join(waiting)})"


def _equation(balance: Balance | Unanswered) -> dict[str, Any]:
    if isinstance(balance, Unanswered):
        return _fields(balance)
    names = ("accepted", "stored", "duplicates", "dead_lettered", "pending", "missing", "uncounted")
    return {"holds": balance.holds, **{name: getattr(balance, name) for name in names}}


def _balance(report: Report) -> str:
    match report.balance:
        case Unanswered(reason):
            return reason
        case balance:
            return balance.sentence if balance.holds else f"DOES NOT BALANCE: {balance.sentence}"


def _ledger(report: Report) -> str:
    match report.ledger:
        case Unanswered(reason):
            return reason
        case totals:
            return (
                f"{totals.taken:,} events taken in {totals.batches:,} micro-batches; {totals.too_late:,} too late to "
                f"correct anomalies; {totals.anomalies:,} anomalies found, {totals.retracted:,} retracted"
            )


def _by_state(alerts: dict[tuple[str, str], int] | Unanswered) -> dict[str, Any]:
    if isinstance(alerts, Unanswered):
        return _fields(alerts)
    return {
        state: {severity: alerts.get((state, severity), 0) for severity in ("critical", "warning", "info")}
        for state in ("open", "acknowledged")
    }


def _alerts(report: Report) -> str:
    if isinstance(report.alerts, Unanswered):
        return report.alerts.reason
    said = []
    for state, counts in _by_state(report.alerts).items():
        severities = ", ".join(f"{count:,} {severity}" for severity, count in counts.items() if count)
        said.append(f"{sum(counts.values()):,} {state}" + (f" ({severities})" if severities else ""))
    return ", ".join(said)


def _sending(report: Report) -> str:
    match report.sending:
        case Unanswered(reason):
            return reason
        case sending:
            said = [f"{sending.waiting:,} messages wait" if sending.waiting != 1 else "1 message waits"]
            if sending.oldest_seconds is not None:
                said.append(f"the oldest for {_lasting(sending.oldest_seconds)}")
            if sending.overdue:
                said.append(f"{sending.overdue:,} overdue, by up to {_lasting(sending.overdue_seconds)}")
            if sending.unrouted:
                said.append(
                    f"{sending.unrouted:,} news of alerts not looked at for {_lasting(sending.unrouted_seconds)}"
                )
            return ", ".join(said) if len(said) > 1 or sending.waiting else "nothing waits"


def _lasting(seconds: float | None) -> str:
    seconds = seconds or 0.0
    return f"{seconds:.1f} s" if seconds < 120 else str(timedelta(seconds=round(seconds)))


def _rules(report: Report) -> list[str]:
    match report.troubled_rules:
        case Unanswered(reason):
            return [reason]
        case []:
            return ["none is suspended, limited or failing"]
        case rules:
            since = {rule.name: f" since {iso_utc(rule.since)}" if rule.since else "" for rule in rules}
            return [f'"{rule.name}" is {rule.trouble}{since[rule.name]}: {rule.why}' for rule in rules]


def _batches(batches: list[BatchSummary]) -> Table:
    table = Table(
        "micro-batch", "committed", title="Last micro-batches", title_justify="left", box=None, pad_edge=False
    )
    for heading in ("taken", "stored", "duplicates", "dead", "anomalies", "took", "oldest waited"):
        table.add_column(heading, justify="right")
    for batch in batches:
        waited = batch.oldest_waited_seconds
        table.add_row(
            f"{batch.batch_id} {batch.origin}",
            iso_utc(batch.committed_at),
            *(f"{n:,}" for n in (batch.taken, batch.stored, batch.duplicates, batch.dead_lettered, batch.anomalies)),
            f"{batch.seconds * 1000:.1f} ms",
            "" if waited is None else f"{waited * 1000:.1f} ms",
        )
    return table


def _plain(sentence: str) -> str:
    return sentence.replace("[", r"\[")
