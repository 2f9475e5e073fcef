"""`eventpulse alerts`: see alerts, acknowledge them, resolve them."""

import json
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from eventpulse.cli.alert_api import open_alert_api
from eventpulse.cli.api_address import api_address
from eventpulse.settings import load_settings

#: An id alone fills half of a narrow terminal, which had better wrap whole lines than ours every column.
_WIDEST = 200

alerts = typer.Typer(no_args_is_help=True, help="Alerts: see, acknowledge, resolve.")

Url = Annotated[str | None, typer.Option(help="Where the API is. Default: the one of this installation.")]
Key = Annotated[str | None, typer.Option(envvar="EVENTPULSE_API_KEY", help="API key, where one is needed.")]
Ids = Annotated[list[str], typer.Argument(help="Ids of alerts.")]
By = Annotated[str | None, typer.Option(help="Who does it. Default: the name of the API key, or `somebody`.")]
Note = Annotated[str | None, typer.Option(help="Why, for the alert's history.")]


@alerts.command("list")
def list_alerts(
    state: Annotated[str, typer.Option(help="open, acknowledged, resolved, unresolved or all.")] = "unresolved",
    severity: Annotated[str | None, typer.Option(help="critical, warning or info.")] = None,
    rule: Annotated[str | None, typer.Option(help="Of this rule: its name or id.")] = None,
    group: Annotated[str | None, typer.Option(help='Of this group: JSON such as {"payload.ip": "10.0.0.1"}.')] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, an alert a line, instead of a table.")] = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Show alerts that have not been resolved, or others; those made last come first."""
    table = Table(
        "alert", "state", "severity", "opened", "ended", "anomalies", "rule", "what", box=None, pad_edge=False
    )
    for column in table.columns[:-1]:
        column.no_wrap = True
    with open_alert_api(api_address(load_settings(), url), key) as api:
        for alert in api.list(limit, state=state, severity=severity, rule_id=rule, group=group):
            if as_json:
                typer.echo(json.dumps(alert))
                continue
            count = str(alert["anomaly_count"])
            ended = _short(alert["ended_at"])
            times = _short(alert["opened_at"]), ended
            words = alert["rule_name"].replace("[", r"\["), alert["message"].replace("[", r"\[")
            table.add_row(alert["alert_id"], alert["state"], alert["severity"], *times, count, *words)
    if table.row_count:
        Console(highlight=False, width=max(Console().width, _WIDEST)).print(table)
    elif not as_json:
        typer.echo("No alerts." if state == "all" else f"No alerts are {state}.")


@alerts.command()
def show(
    alert_id: Annotated[str, typer.Argument(help="The id of an alert.")], url: Url = None, key: Key = None
) -> None:
    """Show one alert: its rule, its history, its newest anomalies, the events that led to it. As JSON."""
    with open_alert_api(api_address(load_settings(), url), key) as api:
        typer.echo(json.dumps(api.show(alert_id), indent=2, ensure_ascii=False))


@alerts.command()
def ack(
    alert_ids: Ids,
    undo: Annotated[bool, typer.Option("--undo", help="Take it back: the alert is open again.")] = False,
    by: By = None,
    note: Note = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Say that somebody has seen alerts and looks after them."""
    _change(alert_ids, "unacknowledge" if undo else "acknowledge", by, note, url, key)


@alerts.command()
def resolve(alert_ids: Ids, by: By = None, note: Note = None, url: Url = None, key: Key = None) -> None:
    """Close alerts. What is found from now on opens another one."""
    _change(alert_ids, "resolve", by, note, url, key)


def _change(
    alert_ids: list[str],
    wish: Literal["acknowledge", "unacknowledge", "resolve"],
    by: str | None,
    note: str | None,
    url: str | None,
    key: str | None,
) -> None:
    with open_alert_api(api_address(load_settings(), url), key) as api:
        for alert_id in alert_ids:
            alert: dict[str, Any] = api.change(alert_id, wish, by, note)
            typer.echo(f"{alert['rule_name']}, {alert['message']}: {alert['state']}")


def _short(instant: str | None) -> str:
    """An instant to the second."""
    return "" if instant is None else instant[:19].replace("T", " ")
