"""`eventpulse demo`: the traffic of a small shop, with an incident every minute or so, and the rules that see them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated

import httpx2
import msgspec
import typer

from eventpulse.cli.api_address import api_address, authorization, on_this_machine
from eventpulse.cli.rule_api import open_rule_api
from eventpulse.clock import utc_now
from eventpulse.demo.incidents import incident_at
from eventpulse.demo.traffic import events_of_second
from eventpulse.rule_file import read_rule_file
from eventpulse.sending.post import Poster
from eventpulse.settings import PROJECT_ROOT, load_settings
from rules.rule import read_rule

_RULES = PROJECT_ROOT / "rules" / "examples" / "demo.yaml"
#: The past is sent in pieces of so many seconds of traffic.
_PAST_AT_ONCE = 10


def demo(
    rate: Annotated[float, typer.Option(min=1, max=2000, help="Requests a second, on average.")] = 20,
    past_minutes: Annotated[int, typer.Option(min=0, max=1440, help="Begin so many minutes ago.")] = 15,
    seconds: Annotated[int | None, typer.Option(min=1, help="End after so many seconds. Default: at Ctrl-C.")] = None,
    seed: Annotated[int, typer.Option(help="Another number is other traffic.")] = 1,
    url: Annotated[str | None, typer.Option(help="Where the API is. Default: the one of this installation.")] = None,
    key: Annotated[str | None, typer.Option(envvar="EVENTPULSE_API_KEY", help="API key with scope admin.")] = None,
) -> None:
    """Send lively traffic to a running EventPulse, and add the rules that find what goes wrong in it.

    The rules are those of rules/examples/demo.yaml. They stay; `eventpulse rules` and the API remove them.
    """
    base_url = api_address(load_settings(), url)
    for name in _add_rules(base_url, key):
        typer.echo(f"New rule: {name}")
    try:
        asyncio.run(_send(base_url, key, rate, past_minutes * 60, seconds, seed))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _add_rules(base_url: str, key: str | None) -> list[str]:
    with open_rule_api(base_url, key) as api:
        there = {rule["name"] for rule in api.all()}
        missing = [found for found in read_rule_file(_RULES) if found.document["name"] not in there]
        for found in missing:
            api.create(found.document, read_rule(found.document).rule_id)
    return [found.document["name"] for found in missing]


async def _send(base_url: str, key: str | None, rate: float, past: int, seconds: int | None, seed: int) -> None:
    start = utc_now() - timedelta(seconds=past)
    timeout = httpx2.Timeout(30.0, connect=5.0)
    async with httpx2.AsyncClient(
        headers=authorization(key), timeout=timeout, trust_env=not on_this_machine(base_url)
    ) as client:
        poster = Poster(client, base_url, skip_refused=True, on_pause=typer.echo)

        async def post(first: int, end: int) -> None:
            found = [event for second in range(first, end) for event in events_of_second(second, start, rate, seed)]
            await poster.post([msgspec.json.encode(event) for event in found], list(range(len(found))))

        for first in range(0, past, _PAST_AT_ONCE):
            await post(first, min(first + _PAST_AT_ONCE, past))
        typer.echo(f"{past // 60} minutes of the past are sent; about {rate:g} requests a second follow.")
        await _go_on(post, past, None if seconds is None else past + seconds)


async def _go_on(post: Callable[[int, int], Awaitable[None]], second: int, end: int | None) -> None:
    """Send each second when it is over, and say what goes wrong in it."""
    begun = time.monotonic() - second
    while end is None or second < end:
        await asyncio.sleep(max(0.0, begun + second + 1 - time.monotonic()))
        if (incident := incident_at(second)) is not incident_at(second - 1):
            said = incident.sentence if incident is not None else "All is well again."
            typer.echo(f"{utc_now():%H:%M:%S}  {said}")
        await post(second, second + 1)
        second += 1
