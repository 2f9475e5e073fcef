"""How many events does the HTTP API accept, singly and in batches, while they are drained and while they are not?"""

from collections import defaultdict
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.leadership import nobody_drains
from benchmarks.load import figures, run_load
from benchmarks.product import product
from benchmarks.results import Figures, report

# Each scenario is limited in events too, so that what is not drained fits into memory.
SCENARIOS: dict[str, dict[str, float]] = {
    "single, 32 connections": {"batch": 1, "connections": 32, "most_events": 100_000},
    "batches of 100, 8 connections": {"batch": 100, "connections": 8, "most_events": 300_000},
    "batches of 1,000, 8 connections": {"batch": 1000, "connections": 8, "most_events": 300_000},
}


def main(
    url: Annotated[str | None, typer.Option(help="Measure a running EventPulse instead of a fresh one.")] = None,
    runs: Annotated[int, typer.Option(help="How often; medians are shown.")] = 3,
    seconds: Annotated[float, typer.Option(help="At most so long for each scenario.")] = 10.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Add the results to this file.")] = None,
) -> None:
    """Measure ingest."""
    rows: dict[str, list[Figures]] = defaultdict(list)
    for _ in range(runs):
        for drained in (False, True):
            with product(url) as running, nullcontext() if drained else nobody_drains(running.database_url):
                run_load(running.url, batch=10, connections=4, seconds=1, most_events=1_000)  # warm up
                for name, options in SCENARIOS.items():
                    seen = run_load(running.url, seconds=seconds, **options)
                    rows[f"{name}, drain {'on' if drained else 'off'}"].append(figures(seen))
    report("Ingest", rows, unit="milliseconds where not said", json_file=json_file)


if __name__ == "__main__":
    typer.run(main)
