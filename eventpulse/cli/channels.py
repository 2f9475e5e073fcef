"""`eventpulse channels`: whom alerts are told to."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from eventpulse.cli.api_address import api_address
from eventpulse.cli.notification_api import open_notification_api
from eventpulse.errors import EventPulseError
from eventpulse.settings import load_settings

channels = typer.Typer(no_args_is_help=True, help="Whom alerts are told to: list, add, edit, remove, test.")

Url = Annotated[str | None, typer.Option(help="Where the API is. Default: the one of this installation.")]
Key = Annotated[str | None, typer.Option(envvar="EVENTPULSE_API_KEY", help="API key, where one is needed.")]
Name = Annotated[str, typer.Argument(help="The name of the channel, or its id.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, one a line, instead of a table.")]
Address = Annotated[
    str, typer.Argument(help="Apprise address or webhook; without it you are asked, so that no shell remembers it.")
]
Secret = Annotated[str | None, typer.Option(help="What signs a webhook; `-` asks for it.")]
Severities = Annotated[list[str] | None, typer.Option("--severity", help="Only alerts so severe; again for more.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", help='Any other field, as JSON: --set group_wait_seconds=0 --set \'matcher={"rule": "ssh*"}\''
    ),
]
Webhook = Annotated[bool, typer.Option("--webhook", help="A signed webhook rather than an Apprise address.")]


@channels.command("list")
def list_channels(as_json: AsJson = False, url: Url = None, key: Key = None) -> None:
    """Show every channel, and how it is doing. Addresses are never shown."""
    with open_notification_api(api_address(load_settings(), url), key) as server:
        found = server.get("/channels")
    if as_json:
        for channel in found:
            typer.echo(json.dumps(channel))
        return
    if not found:
        typer.echo("There are no channels, so nobody is told of alerts. `eventpulse channels add` makes one.")
        return
    table = Table("name", "state", "to", "which", "last sent", "what is wrong, or waited for", box=None, pad_edge=False)
    for each in found:
        which = json.dumps(each["matcher"]) if each["matcher"] else "all"
        trouble = each["waits_why"] or each["last_error"] or ""
        cells = (each["name"], each["state"], each["url"], which, each["last_sent_at"] or "never", trouble)
        table.add_row(*(str(cell).replace("[", r"\[") for cell in cells))
    Console(highlight=False).print(table)


@channels.command()
def add(
    name: Annotated[str, typer.Argument(help="A name of your choice.")],
    address: Address = "-",
    webhook: Webhook = False,
    secret: Secret = None,
    severity: Severities = None,
    set_: Set = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Add a channel. `eventpulse channels test NAME` then shows whether it works."""
    document: dict[str, Any] = {"name": name, "url": _asked(address, "Address"), **_fields(set_)}
    if webhook:
        document |= {"kind": "webhook", "secret": _asked(secret or "-", "Secret")}
    if severity:
        document["matcher"] = {**document.get("matcher", {}), "severity": severity}
    with open_notification_api(api_address(load_settings(), url), key) as server:
        server.send("POST", "/channels", document)
    typer.echo(f"Channel {name} is made. `eventpulse channels test {name}` sends a test.")


@channels.command()
def edit(
    name: Name,
    address: Annotated[str | None, typer.Option(help="Another address; `-` asks for it.")] = None,
    secret: Secret = None,
    severity: Severities = None,
    enable: Annotated[bool | None, typer.Option("--enable/--disable", help="Whether it is told anything.")] = None,
    set_: Set = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Change a channel: what is not named stays."""
    patch = _fields(set_)
    if address is not None:
        patch["url"] = _asked(address, "Address")
    if secret is not None:
        patch["secret"] = _asked(secret, "Secret")
    if enable is not None:
        patch["enabled"] = enable
    with open_notification_api(api_address(load_settings(), url), key) as server:
        channel = server.channel_named(name)
        if severity:
            patch["matcher"] = {**patch.get("matcher", channel["matcher"]), "severity": severity}
        if not patch:
            raise EventPulseError("Say what to change: --address, --secret, --severity, --enable, --disable or --set.")
        server.send("PATCH", f"/channels/{channel['channel_id']}", patch)
    typer.echo(f"Channel {name} is changed.")


@channels.command()
def remove(name: Name, url: Url = None, key: Key = None) -> None:
    """Remove a channel. What was sent over it stays on record."""
    with open_notification_api(api_address(load_settings(), url), key) as server:
        server.send("DELETE", f"/channels/{server.channel_named(name)['channel_id']}")
    typer.echo(f"Channel {name} is removed.")


@channels.command()
def test(name: Name, url: Url = None, key: Key = None) -> None:
    """Really send a test message, and say what became of it."""
    with open_notification_api(api_address(load_settings(), url), key) as server:
        answer = server.send("POST", f"/channels/{server.channel_named(name)['channel_id']}/test")
    if answer["state"] != "sent":
        raise EventPulseError(f"The test was not sent: {answer['last_error']}")
    typer.echo(f"The test was sent: {answer['subject']}")


def _asked(text: str | None, what: str) -> str:
    return str(typer.prompt(what, hide_input=True)) if text in (None, "-") else str(text)


def _fields(given: list[str] | None) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for text in given or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise EventPulseError(f"--set needs NAME=VALUE, got {text!r}.")
        try:
            fields[name] = json.loads(value)
        except ValueError:
            fields[name] = value
    return fields
