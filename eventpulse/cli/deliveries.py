"""`eventpulse deliveries`: what became of messages, and why something was not sent."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from eventpulse.cli.api_address import api_address
from eventpulse.cli.channels import AsJson, Key, Url
from eventpulse.cli.notification_api import open_notification_api
from eventpulse.settings import load_settings

deliveries = typer.Typer(no_args_is_help=True, help="What became of messages, and why something was not sent.")


@deliveries.command("list")
def list_deliveries(
    channel: Annotated[str | None, typer.Option(help="Of this channel: its name or id.")] = None,
    alert: Annotated[str | None, typer.Option(help="About this alert.")] = None,
    state: Annotated[str | None, typer.Option(help="waiting, sending, sent, held, failed or gave_up.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Show deliveries, the newest first: a message each, or the reason why there is none."""
    table = Table("when", "channel", "state", "alerts", "reason", "subject", "id", box=None, pad_edge=False)
    with open_notification_api(api_address(load_settings(), url), key) as server:
        channel_id = server.channel_named(channel)["channel_id"] if channel else None
        for each in server.pages("/deliveries", limit, channel_id=channel_id, alert_id=alert, state=state):
            if as_json:
                typer.echo(json.dumps(each))
                continue
            error = each["last_error"] if each["state"] != "sent" else None
            cells = (
                each["sent_at"] or each["created_at"],
                each["channel_name"] or "none",
                each["state"],
                each["alerts"],
                each["reason"] + (f" ({error})" if error else ""),
                each["subject"] or "",
                each["delivery_id"],
            )
            table.add_row(*(str(cell).replace("[", r"\[") for cell in cells))
    if table.row_count:
        Console(highlight=False).print(table)
    elif not as_json:
        typer.echo("No deliveries.")


@deliveries.command()
def show(
    delivery: Annotated[str, typer.Argument(help="The id of the delivery.")], url: Url = None, key: Key = None
) -> None:
    """Show one delivery with its message, as JSON."""
    with open_notification_api(api_address(load_settings(), url), key) as server:
        typer.echo(json.dumps(server.get(f"/deliveries/{delivery}"), indent=2, ensure_ascii=False))
