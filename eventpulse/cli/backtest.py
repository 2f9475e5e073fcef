"""`eventpulse rules backtest`: what rules in files would have found in stored history. Nothing is stored or sent."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer
import yaml
from rich.console import Console
from rich.table import Table

from eventpulse.cli.history_connection import connected
from eventpulse.cli.history_progress import HistoryProgress
from eventpulse.cli.rule_folder import read_folder
from eventpulse.cli.stretch import From, To, stretch
from eventpulse.clock import iso_utc, utc_now
from eventpulse.database.connect import open_engine
from eventpulse.database.events.history import standing_keys
from eventpulse.database.events.history_slices import Of, count_events, read_slices, stored_between
from eventpulse.database.notifications.channels import all_channels
from eventpulse.database.transactions import reading
from eventpulse.errors import EventPulseError
from eventpulse.settings import Settings, load_settings
from rules.faults import RuleFaults
from rules.routing.channel import ChannelPlan
from rules.routing.stored import channel_of
from rules.rule import Rule
from rules.trials.backtest import Outcome, backtest as try_rules
from rules.trials.replay import wanted_events
from rules.trials.sweep import variants

_MOST_DAYS_SHOWN = 31


def backtest(
    files: Annotated[list[Path], typer.Argument(help="YAML files of rules, or folders with such files.")],
    first: From = None,
    last: To = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option("--sweep", help="Try several values of a place: condition.value=3,5,8. Repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")] = False,
) -> None:
    """Evaluate the rules of files over stored history: anomalies, alerts and notifications that would have been, by
    day, and the difference to what stands. All variants of a sweep are evaluated in one pass."""
    settings = load_settings()
    found = read_folder(files)
    if found.faults or not found.rules:
        raise EventPulseError("\n".join([*found.faults, "There is no rule to try."]))
    start, end = stretch(first, last)
    console = Console(highlight=False, stderr=as_json)
    shown: list[dict[str, Any]] = []
    with connected(settings, "rules backtest") as connection:
        channels = _channels(settings)
        stored = stored_between(connection)
        if stored is None or start >= stored[1]:
            raise EventPulseError("No events are stored there.")
        start, end = max(start, stored[0]), min(end, max(stored[1], utc_now()))
        for rule in found.rules:
            outcomes, events, seconds = _try(connection, rule, _sweep(sweep or []), (start, end), console, channels)
            if as_json:
                shown.append({"rule": rule.name, "events": events, "variants": [as_document(one) for one in outcomes]})
            else:
                _show(console, rule, outcomes)
                console.print(f"{events:,} events in {timedelta(seconds=round(seconds))}.")
    if as_json:
        typer.echo(json.dumps({"from": iso_utc(start), "to": iso_utc(end), "rules": shown}, indent=2))


def as_document(outcome: Outcome) -> dict[str, Any]:
    """What came of a variant, for a program to read."""
    return {
        "parameters": dict(outcome.variant.parameters),
        "anomalies": outcome.anomalies,
        "alerts": outcome.alerts,
        "notifications": outcome.notifications,
        "channels": {
            each.channel.name: {"alerts": each.alerts, "messages": each.messages} for each in outcome.foretold.channels
        },
        "for_nobody": outcome.foretold.for_nobody,
        "groups": outcome.groups,
        "difference": {"same": outcome.same, "new": outcome.new, "gone": outcome.gone},
        "by_day": {day: asdict(counts) for day, counts in sorted(outcome.by_day.items())},
        "fault": outcome.fault,
    }


def _try(
    connection: psycopg.Connection,
    rule: Rule,
    sweep: Mapping[str, Sequence[Any]],
    between: Any,
    console: Console,
    channels: Sequence[ChannelPlan],
) -> tuple[list[Outcome], int, float]:
    try:
        tried = variants(rule, sweep)
    except RuleFaults as fault:
        raise EventPulseError(f'"{rule.name}": {fault}') from fault
    start, end = between
    of = Of(**asdict(wanted_events([variant.rule for variant in tried])))
    with HistoryProgress(rule.name, count_events(connection, start, end, of), console) as progress:
        outcomes = try_rules(
            tried,
            start,
            end,
            lambda first, last: read_slices(connection, first, last, of),
            lambda first, last: standing_keys(connection, rule.rule_id, first, last),
            lambda events, until: progress.advance(events, until, f"{len(tried)} variants"),
            channels,
        )
        return outcomes, progress.passed, progress.seconds


def _channels(settings: Settings) -> list[ChannelPlan]:
    """The channels that would have been used, as they are now."""
    assert settings.database_url is not None
    engine = open_engine(settings.database_url.get_secret_value(), application="eventpulse rules backtest", pool_size=1)
    try:
        with reading(engine) as connection:
            return [channel_of(row._asdict()) for row in all_channels(connection)]
    finally:
        engine.dispose()


def _sweep(options: Sequence[str]) -> dict[str, list[Any]]:
    """`condition.value=3,5` as a place and its values, each read as YAML reads it."""
    found = {}
    for option in options:
        place, separator, values = option.partition("=")
        if not separator or not values:
            raise EventPulseError(f"--sweep takes a place and values, such as condition.value=3,5,8; got {option!r}.")
        found[place] = [yaml.safe_load(value) for value in values.split(",")]
    return found


def _show(console: Console, rule: Rule, outcomes: Sequence[Outcome]) -> None:
    table = Table(rule.name.replace("[", r"\["), box=None, pad_edge=False)
    for heading in ("anomalies", "alerts", "notifications", "groups", "as standing", "new", "gone"):
        table.add_column(heading, justify="right")
    for one in outcomes:
        name = ", ".join(f"{place}={value}" for place, value in one.variant.parameters.items()) or "as it is"
        counts = (one.anomalies, one.alerts, one.notifications, one.groups, one.same, one.new, one.gone)
        table.add_row(name.replace("[", r"\["), *(f"{count:,}" for count in counts))
    console.print(table)
    for one in outcomes:
        if one.fault is not None:
            console.print(f"It could not be evaluated: {one.fault}", markup=False)
    unheard = [one.foretold.for_nobody for one in outcomes]
    if any(unheard) and rule.mode == "live":
        console.print(f"Alerts that no channel takes: {', '.join(f'{count:,}' for count in unheard)}.")
    if len(outcomes) == 1:
        days = sorted(outcomes[0].by_day.items())
        for day, brought in days[-_MOST_DAYS_SHOWN:]:
            console.print(f"    {day}: {brought.anomalies:,} anomalies, {brought.alerts:,} alerts")
