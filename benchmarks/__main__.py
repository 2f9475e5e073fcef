"""`python -m benchmarks`: every measurement, one after the other."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks import backfill, dashboard, drain, footprint, ingest, latency, rules


def main(
    runs: Annotated[int, typer.Option(help="How often each measurement is made; medians are shown.")] = 3,
    json_file: Annotated[Path | None, typer.Option("--json", help="Add all results to this file.")] = None,
) -> None:
    """Measure latency, drain, ingest and footprint of fresh products, and rules alone. Takes more than a quarter
    of an hour a run."""
    latency.main(
        url=None, runs=runs, rate=100.0, seconds=60.0, idle_seconds=60.0, lease_seconds=10, json_file=json_file
    )
    drain.main(url=None, runs=runs, events=200_000, rules=None, json_file=json_file)
    ingest.main(url=None, runs=runs, seconds=10.0, json_file=json_file)
    backfill.main(runs=1, events=1_000_000, days=10, rules=20, rate=100.0, seconds=30.0, json_file=json_file)
    rules.main(events=100_000, runs=runs, rules=None, keys=None, json_file=json_file)
    footprint.main(runs=runs, idle_seconds=60.0, load_seconds=120.0, rate=100.0, json_file=json_file)
    dashboard.main(url=None, runs=runs, rate=100.0, minutes=5, json_file=json_file)  # needs Chromium, so it is last


if __name__ == "__main__":
    typer.run(main)
