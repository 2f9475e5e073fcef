"""How fast are rules evaluated over stored history, with how much memory, and what does live detection notice of it?"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
import uvloop

from benchmarks.drain import threshold_rules
from benchmarks.invented_events import invented_events
from benchmarks.latency import RULE
from benchmarks.product import Product, product
from benchmarks.results import Figures, report
from benchmarks.watch_arrivals import Arrivals, post_evenly, watch_messages, watch_rows
from eventpulse.settings import PROJECT_ROOT

_PORTION = 50_000
#: Live events are posted in stretches of this length for as long as the backfill takes.
_STRETCH_SECONDS = 5.0


def main(
    runs: Annotated[int, typer.Option(help="How often; medians are shown.")] = 1,
    events: Annotated[int, typer.Option(help="Events of history.")] = 1_000_000,
    days: Annotated[int, typer.Option(help="Days over which they are spread.")] = 10,
    rules: Annotated[int, typer.Option(help="Rules that are evaluated over them.")] = 20,
    rate: Annotated[float, typer.Option(help="Live events a second meanwhile; one in ten triggers a rule.")] = 100.0,
    seconds: Annotated[float, typer.Option(help="How long live detection is measured alone.")] = 30.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Add the results to this file.")] = None,
) -> None:
    """Import history into a fresh product, backfill rules over it, and measure live latency before and meanwhile."""
    history: list[Figures] = []
    latency: dict[str, list[Figures]] = defaultdict(list)
    for _ in range(runs):
        with product() as running, tempfile.TemporaryDirectory() as folder:
            for rule in running.api("GET", "/api/v1/rules"):
                running.api("DELETE", f"/api/v1/rules/{rule['rule_id']}")
            imported = _import(running, _write_history(Path(folder), events, days))
            for rule in [*history_rules(rules), RULE]:
                running.api("POST", "/api/v1/rules", json=rule)
            latency["alone"].append(uvloop.run(_measure(running, rate, seconds)))
            done, meanwhile = uvloop.run(_backfill(running, rate, events))
            history.append({"imported/s": events / imported, **done})
            latency["during the backfill"].append(meanwhile)
    title = f"{rules} rules over {events:,} events of {days} days"
    report(title, {"backfill": history}, unit="each second where not said", json_file=json_file)
    report(f"Live latency, {rate:g} events/s", latency, unit="milliseconds", json_file=json_file)


def history_rules(count: int) -> list[dict[str, Any]]:
    """Rules as in the other measurements; every fourth is grouped by one of five thousand users."""
    found = threshold_rules(count)
    for number, rule in enumerate(found):
        if number % 4 == 3:
            rule["group_by"] = ["payload.user"]
            rule["window_seconds"], rule["condition"]["value"] = 3600, 2
    return found


def _write_history(folder: Path, events: int, days: int) -> Path:
    """NDJSON up to the beginning of today, portion by portion."""
    file, today = folder / "history.ndjson", datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with file.open("w") as lines:
        for first in range(0, events, _PORTION):
            count = min(_PORTION, events - first)
            newest = today - timedelta(days=days) * ((events - first - count) / events) - timedelta(seconds=1)
            over = timedelta(days=days) * (count / events) - timedelta(seconds=2)
            for event in invented_events(count, seed=first, newest=newest, over=over):
                lines.write(json.dumps(event) + "\n")
    return file


def _command(running: Product, *words: str) -> "subprocess.Popen[bytes]":
    """One of our commands, for the product under measurement."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EVENTPULSE_")}
    environment["EVENTPULSE_HOME"] = str(running.settings.home)
    command = [sys.executable, "-m", "eventpulse", *words]
    return subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.DEVNULL)


def _import(running: Product, file: Path) -> float:
    """Seconds."""
    begun = time.monotonic()
    if code := _command(running, "import", str(file)).wait():
        raise SystemExit(f"The import ended with code {code}.")
    return time.monotonic() - begun


async def _measure(running: Product, rate: float, seconds: float) -> Figures:
    arrivals = Arrivals()
    async with watch_rows(running.database_url, arrivals), watch_messages(running.url, arrivals):
        await post_evenly(running.url, Arrivals(), rate=rate, seconds=5.0)
        await post_evenly(running.url, arrivals, rate=rate, seconds=seconds)
        await arrivals.all_seen(within=30.0)
    return arrivals.figures()


async def _backfill(running: Product, rate: float, events: int) -> tuple[Figures, Figures]:
    """Backfill everything, with live events until it has ended."""
    arrivals = Arrivals()
    async with watch_rows(running.database_url, arrivals), watch_messages(running.url, arrivals):
        begun = time.monotonic()
        process = _command(running, "backfill")
        ended = asyncio.create_task(_end_of(process))
        while not ended.done():
            await post_evenly(running.url, arrivals, rate=rate, seconds=_STRETCH_SECONDS)
        peak, at = await ended
        await arrivals.all_seen(within=30.0)
    if process.returncode:
        raise SystemExit(f"The backfill ended with code {process.returncode}.")
    seconds = at - begun
    return {"events/s": events / seconds, "seconds": seconds, "peak MB": peak / 2**20}, arrivals.figures()


async def _end_of(process: "subprocess.Popen[bytes]") -> tuple[float, float]:
    """The most memory a process had (bytes), and when it ended."""
    peak, seen = 0.0, psutil.Process(process.pid)
    while process.poll() is None:
        with suppress(psutil.Error):
            peak = max(peak, float(seen.memory_info().rss))
        await asyncio.sleep(0.1)
    return peak, time.monotonic()


if __name__ == "__main__":
    typer.run(main)
