"""`eventpulse up`: run everything on this machine until Ctrl-C."""

import time
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console

from eventpulse.embedded.product import run_product
from eventpulse.loopback import address_of
from eventpulse.settings import Settings


def up(
    demo: Annotated[bool, typer.Option("--demo", help="Send lively traffic too, with incidents in it.")] = False,
) -> None:
    """Run EventPulse on this machine: PostgreSQL, Redis, the API, and Dagster. Ctrl-C stops it.

    PostgreSQL and Redis come along; DATABASE_URL and REDIS_URL name others. Settings: see .env.example.
    """
    console = Console(highlight=False, soft_wrap=True)
    begun = time.monotonic()

    def say(line: str) -> None:
        with suppress(OSError):  # a full disk or a reader that has gone is no reason to stop the product
            console.print(line, markup=False)

    def ready(settings: Settings) -> None:
        # Only here: it needs Polars, and nobody should wait for that to see a port refused.
        from eventpulse.cli.builtin_rules import install_builtin_rules_in

        for name in install_builtin_rules_in(settings):
            say(f"New rule: {name}")
        api = address_of(settings.host, settings.port)
        console.print(f"\n[bold green]EventPulse is ready[/] after {time.monotonic() - begun:.1f} s.\n")
        say(f"  Dashboard  {api}/dashboard")
        say(f"  API        {api}/api/v1   (described at {api}/docs)")
        say(f"  Dagster    {settings.dagster_at}")
        say(f"  Logs       {settings.home / 'logs'}")
        if demo:
            say(f"\nWhat goes wrong in the demonstration, and when: {settings.home / 'logs' / 'demo.log'}")
            say("\nCtrl-C stops everything.")
            return
        say("\nSend it an event:\n")
        say(f"  curl -X POST {api}/api/v1/events -H 'content-type: application/json' \\")
        say('    -d \'{"event_type": "page_view", "source": "web", "timestamp": "\'$(date -u +%FT%TZ)\'"}\'')
        say("\nCtrl-C stops everything.")

    say("Starting EventPulse ...")
    run_product(say, ready, demo=demo)
    say("Stopped.")
