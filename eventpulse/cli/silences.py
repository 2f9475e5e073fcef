"""`eventpulse silences`: keep quiet about what is known."""

import json
import re
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from eventpulse.cli.api_address import api_address
from eventpulse.cli.channels import AsJson, Key, Url
from eventpulse.cli.notification_api import open_notification_api
from eventpulse.clock import iso_utc, utc_now
from eventpulse.errors import EventPulseError
from eventpulse.settings import load_settings

silences = typer.Typer(no_args_is_help=True, help="Keep quiet about what is known: list, add, end.")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@silences.command("list")
def list_silences(
    state: Annotated[str | None, typer.Option(help="pending, active or expired.")] = None,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Show silences, the one that ends last first."""
    with open_notification_api(api_address(load_settings(), url), key) as server:
        found = server.get("/silences", state=state)
    if as_json:
        for each in found:
            typer.echo(json.dumps(each))
        return
    if not found:
        typer.echo("No silences.")
        return
    table = Table("state", "until", "which", "owner", "reason", "id", box=None, pad_edge=False)
    for each in found:
        cells = (each["state"], each["ends_at"], json.dumps(each["matcher"]), each["owner"], each["reason"])
        table.add_row(*(str(cell).replace("[", r"\[") for cell in (*cells, each["silence_id"])))
    Console(highlight=False).print(table)


@silences.command()
def add(
    lasts: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 1d.")],
    reason: Annotated[str, typer.Option(help="Why, for whoever wonders.")],
    rule: Annotated[list[str] | None, typer.Option(help="Alerts of this rule; * for anything.")] = None,
    severity: Annotated[list[str] | None, typer.Option(help="Alerts so severe.")] = None,
    group: Annotated[list[str] | None, typer.Option(help="Alerts of this group: payload.ip=10.0.*")] = None,
    label: Annotated[list[str] | None, typer.Option(help="Alerts with this label: team=web")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="All alerts.")] = False,
    owner: Annotated[str | None, typer.Option(help="Who answers for it. Default: the name of the API key.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would have hidden of late.")] = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Silence alerts for a while. What still fires afterwards is told of then."""
    matcher: dict[str, Any] = {}
    if rule:
        matcher["rule"] = rule
    if severity:
        matcher["severity"] = severity
    if group:
        matcher["group"] = _pairs(group)
    if label:
        matcher["labels"] = _pairs(label)
    if bool(matcher) == everything:
        raise EventPulseError("Say which alerts: --rule, --severity, --group, --label, or --everything.")
    ends_at = utc_now() + _span(lasts)
    with open_notification_api(api_address(load_settings(), url), key) as server:
        preview = server.send("POST", "/silences/preview", {"matcher": matcher})
        typer.echo(
            f"In the last 24 hours it would have hidden {preview['alerts']} alerts, {preview['messages']} messages."
        )
        if dry_run:
            return
        document = {"matcher": matcher, "reason": reason, "ends_at": iso_utc(ends_at)}
        made = server.send("POST", "/silences", document | ({"owner": owner} if owner else {}))
    typer.echo(f"Silent until {made['ends_at']}. `eventpulse silences end {made['silence_id']}` ends it before.")


@silences.command()
def end(
    silence: Annotated[str, typer.Argument(help="The id of the silence.")], url: Url = None, key: Key = None
) -> None:
    """End a silence now."""
    with open_notification_api(api_address(load_settings(), url), key) as server:
        server.send("DELETE", f"/silences/{silence}")
    typer.echo("The silence is over.")


def _pairs(given: list[str]) -> dict[str, list[str]]:
    pairs: dict[str, list[str]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise EventPulseError(f"A name and a value are needed, such as payload.ip=10.0.*; got {text!r}.")
        pairs.setdefault(name, []).append(value)
    return pairs


def _span(text: str) -> timedelta:
    found = re.fullmatch(r"([0-9]{1,5})([mhd])", text.strip())
    if not found or int(found[1]) == 0:
        raise EventPulseError(f"--for needs a span such as 30m, 2h or 1d; got {text!r}.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
