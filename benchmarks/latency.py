"""How long after the HTTP API has accepted an event is it a row in PostgreSQL, and its anomaly at the WebSocket?"""

import asyncio
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from benchmarks.product import Product, product
from benchmarks.results import Figures, report
from benchmarks.watch_arrivals import Arrivals, post_evenly, watch_messages, watch_rows

RULE = {
    "name": "benchmark: every trigger",
    "severity": "info",
    "window_seconds": 1,
    "condition": {
        "type": "threshold",
        "metric": "count",
        "filters": {"event_type": "benchmark_trigger"},
        "operator": ">=",
        "value": 1,
    },
}


def main(
    url: Annotated[str | None, typer.Option(help="Measure a running EventPulse: adds a rule and events to it!")] = None,
    runs: Annotated[int, typer.Option(help="How often; medians are shown.")] = 3,
    rate: Annotated[float, typer.Option(help="Events a second; one in ten triggers the rule.")] = 100.0,
    seconds: Annotated[float, typer.Option(help="How long the steady load lasts.")] = 60.0,
    idle_seconds: Annotated[float, typer.Option(help="How quiet it is before the event after idle.")] = 60.0,
    lease_seconds: Annotated[int, typer.Option(help="Lease of the drains that hand over (a fresh product only).")] = 10,
    json_file: Annotated[Path | None, typer.Option("--json", help="Add the results to this file.")] = None,
) -> None:
    """Measure latency in steady state, after idle, and across hand-overs."""
    rows: dict[str, list[Figures]] = defaultdict(list)
    for _ in range(runs):
        with product(url) as running:
            _add_rule(running)
            rows["steady"].append(uvloop.run(_measure(running, rate, seconds, warm_up=5.0)))
            rows["first event after idle"].append(uvloop.run(_measure_after_idle(running, idle_seconds)))
        if url is None:
            with product(EVENTPULSE_LEASE_SECONDS=lease_seconds) as running:
                _add_rule(running)
                rows["across hand-overs"].append(uvloop.run(_measure(running, rate, seconds, warm_up=5.0)))
    report("Latency after acceptance", rows, unit="milliseconds", json_file=json_file)


def _add_rule(running: Product) -> None:
    known = {rule["name"] for rule in running.api("GET", "/api/v1/rules")}
    if RULE["name"] not in known:
        running.api("POST", "/api/v1/rules", json=RULE)


async def _measure(running: Product, rate: float, seconds: float, *, warm_up: float) -> Figures:
    arrivals = Arrivals()
    async with watch_rows(running.database_url, arrivals), watch_messages(running.url, arrivals):
        await post_evenly(running.url, Arrivals(), rate=rate, seconds=warm_up)
        await post_evenly(running.url, arrivals, rate=rate, seconds=seconds)
        await arrivals.all_seen(within=30.0)
    return arrivals.figures() | {"hand-overs": float(arrivals.handovers)}


async def _measure_after_idle(running: Product, idle_seconds: float) -> Figures:
    arrivals = Arrivals()
    async with watch_rows(running.database_url, arrivals), watch_messages(running.url, arrivals):
        await asyncio.sleep(idle_seconds)
        await post_evenly(running.url, arrivals, rate=1.0, seconds=1.0, first_triggers=True)
        await arrivals.all_seen(within=30.0)
    return arrivals.figures()


if __name__ == "__main__":
    typer.run(main)
