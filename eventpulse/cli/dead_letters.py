"""`eventpulse dead-letters`: see what could not be stored, mend it, send it on, or close it."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import click
import typer
from rich.console import Console
from rich.table import Table

from eventpulse.cli.api_address import api_address
from eventpulse.cli.dead_letter_api import open_dead_letter_api
from eventpulse.errors import EventPulseError
from eventpulse.settings import load_settings

dead_letters = typer.Typer(no_args_is_help=True, help="Events that could not be stored: see, mend, redrive, discard.")

Url = Annotated[str | None, typer.Option(help="Where the API is. Default: the one of this installation.")]
Key = Annotated[str | None, typer.Option(envvar="EVENTPULSE_API_KEY", help="API key, where one is needed.")]
Number = Annotated[int, typer.Argument(help="The number of the dead letter.", min=1)]
State = Annotated[str | None, typer.Option(help="open, redriving, redriven or discarded.")]
Cause = Annotated[str | None, typer.Option(help="unreadable, refused or future.")]
Reason = Annotated[str | None, typer.Option(help="A part of the reason.")]
Batch = Annotated[int | None, typer.Option(help="The micro-batch it came in.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, a letter a line, instead of a table.")]


@dead_letters.command("list")
def list_letters(
    state: State = None,
    cause: Cause = None,
    reason: Reason = None,
    batch: Batch = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 50,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Show dead letters, the newest first."""
    table = Table("number", "state", "received", "micro-batch", "why", box=None, pad_edge=False)
    with open_dead_letter_api(api_address(load_settings(), url), key) as api:
        for letter in api.list(limit, state=state, cause=cause, reason=reason, batch_id=batch):
            if as_json:
                typer.echo(json.dumps(letter))
                continue
            why = f"{letter['cause']}: {letter['reason']}".replace("[", r"\[")
            numbers = str(letter["dead_letter_id"]), str(letter["batch_id"])
            table.add_row(numbers[0], letter["state"], letter["received_at"], numbers[1], why)
    if table.row_count:
        Console(highlight=False).print(table)
    elif not as_json:
        typer.echo("No dead letters.")


@dead_letters.command()
def show(number: Number, url: Url = None, key: Key = None) -> None:
    """Show one dead letter: what came in, why it was set aside, what would be redriven. As JSON."""
    with open_dead_letter_api(api_address(load_settings(), url), key) as api:
        typer.echo(json.dumps(api.show(number), indent=2, ensure_ascii=False))


@dead_letters.command()
def edit(
    number: Number,
    file: Annotated[
        Path | None, typer.Argument(help="The mended event as JSON; `-` reads it. Without: your editor opens.")
    ] = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Keep a mended event in the place of what came in, which is kept as well. It is checked like any event."""
    with open_dead_letter_api(api_address(load_settings(), url), key) as api:
        event = _from_editor(api.show(number)) if file is None else _from_file(file)
        api.edit(number, event)
    typer.echo(f"Dead letter {number} is mended. `eventpulse dead-letters redrive {number}` sends it on.")


@dead_letters.command()
def redrive(
    numbers: Annotated[list[int] | None, typer.Argument(help="Dead letters; without, those that match.")] = None,
    all_of_them: Annotated[bool, typer.Option("--all", help="Every one that is still to be done.")] = False,
    state: State = None,
    cause: Cause = None,
    reason: Reason = None,
    batch: Batch = None,
    dry_run: DryRun = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Send dead letters through the stream again. Safe to repeat: each event is stored once."""
    wanted: dict[str, Any] = {"state": state, "cause": cause, "reason": reason, "batch_id": batch}
    chosen = any(value is not None for value in wanted.values())
    if bool(numbers) + (chosen or all_of_them) != 1:
        raise EventPulseError(
            "Say which dead letters: their numbers, or --state, --cause, --reason, --batch, or --all."
        )
    with open_dead_letter_api(api_address(load_settings(), url), key) as api:
        for number in numbers or []:
            answer = api.redrive(number, dry_run=dry_run)
            typer.echo(f"Dead letter {number}: {answer['status']} as event {answer['event_id']}")
        while not numbers:
            answer = api.redrive_many(dry_run=dry_run, **wanted)
            would = "would be " if dry_run else ""
            typer.echo(
                f"{answer['redriven']} dead letters {would}redriven, {answer['unfit_count']} can't be as they are."
            )
            for unfit in answer["unfit"]:
                faults = "; ".join(issue["message"] for issue in unfit["issues"])
                typer.echo(f"  {unfit['dead_letter_id']}: {faults}")
            if dry_run or not answer["remaining"] or not answer["redriven"]:
                if answer["remaining"]:
                    typer.echo(f"{answer['remaining']} more match.")
                return


@dead_letters.command()
def discard(
    numbers: Annotated[list[int], typer.Argument(help="Dead letters.")], url: Url = None, key: Key = None
) -> None:
    """Close dead letters without sending them on. What came in is kept."""
    with open_dead_letter_api(api_address(load_settings(), url), key) as api:
        for number in numbers:
            api.discard(number)
            typer.echo(f"Dead letter {number} is discarded.")


def _from_file(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as fault:
        raise EventPulseError(f"{file} cannot be read: {fault.strerror}.") from fault


def _from_editor(letter: dict[str, Any]) -> bytes:
    event = letter["event"]
    before = letter["raw"] if event is None else json.dumps(event, indent=2, ensure_ascii=False)
    after = click.edit(before, extension=".json")
    if after is None or after == before:
        raise EventPulseError("Nothing was changed.")
    return after.encode()
