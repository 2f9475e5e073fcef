"""The command `eventpulse`: the table of its subcommands, each in a module of its own."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from eventpulse.errors import EventPulseError

# A module is imported when its command is used: nobody waits for Polars to see the version of a command.
_COMMANDS = {
    "up": "eventpulse.cli.up:up",
    "status": "eventpulse.cli.status:status",
    "send": "eventpulse.cli.send:send",
    "import": "eventpulse.cli.import_files:import_files",
    "demo": "eventpulse.cli.demo:demo",
    "rules": "eventpulse.cli.rules:rules",
    "backfill": "eventpulse.cli.backfill:backfill",
    "audit": "eventpulse.cli.audit:audit",
    "alerts": "eventpulse.cli.alerts:alerts",
    "channels": "eventpulse.cli.channels:channels",
    "deliveries": "eventpulse.cli.deliveries:deliveries",
    "silences": "eventpulse.cli.silences:silences",
    "dead-letters": "eventpulse.cli.dead_letters:dead_letters",
    "keys": "eventpulse.cli.keys:keys",
    "migrate": "eventpulse.cli.migrate:migrate_database",
}


class _Commands(TyperGroup):
    """Finds a command by its name, and shows our own errors as the sentences they are."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        found = getattr(import_module(module), name)
        if isinstance(found, typer.Typer):
            group = typer.main.get_command(found)
            group.name = cmd_name
            return group
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(cmd_name)(found)
        return typer.main.get_command(alone)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except EventPulseError as fault:
            typer.echo(str(fault), err=True)
            raise typer.Exit(1) from fault


app = typer.Typer(
    name="eventpulse",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they would show local variables, and with them passwords
    help="Events over HTTP, kept, watched by rules within a second, and orchestrated by Dagster.",
)


@app.callback()
def _eventpulse() -> None:
    """Events over HTTP, kept, watched by rules within a second, and orchestrated by Dagster."""
