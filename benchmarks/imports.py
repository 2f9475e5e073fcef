"""How fast are files imported, against the same events sent live, and how much memory does it take?"""

import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import polars as pl
import psutil
import typer

from benchmarks.invented_events import invented_events
from benchmarks.product import Product, product, wait_for
from benchmarks.results import Figures, report
from eventpulse.settings import PROJECT_ROOT

_LOOK_EVERY_SECONDS = 0.05


def main(
    runs: Annotated[int, typer.Option(help="How often; medians are shown.")] = 3,
    events: Annotated[int, typer.Option(help="Events in each file.")] = 200_000,
    json_file: Annotated[Path | None, typer.Option("--json", help="Add the results to this file.")] = None,
) -> None:
    """Import NDJSON, CSV and Parquet, and send the same events live, each into a fresh product."""
    rows: dict[str, list[Figures]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="eventpulse-bench-") as folder:
        files = _files(Path(folder), events)
        for _ in range(runs):
            for name, (file, more) in files.items():
                with product() as running:
                    rows[f"import {name}"].append(_run(running, events, "import", str(file), *more))
            with product() as running:
                rows["send live"].append(_run(running, events, "send", "--url", running.url, str(files["NDJSON"][0])))
    report(f"{events:,} events from a file", rows, unit="as said", json_file=json_file)


def _files(folder: Path, events: int) -> dict[str, tuple[Path, list[str]]]:
    invented = invented_events(events, over=timedelta(days=10))
    lines = [msgspec.json.encode(event) for event in invented]
    ndjson, csv, parquet = (folder / f"events.{kind}" for kind in ("ndjson", "csv", "parquet"))
    ndjson.write_bytes(b"\n".join(lines) + b"\n")
    bodies = [
        {name: msgspec.json.encode(event[name]).decode() for name in ("payload", "metadata")} for event in invented
    ]
    table = pl.DataFrame([{**event, **body} for event, body in zip(invented, bodies, strict=True)])
    table.write_csv(csv)
    table.write_parquet(parquet)
    return {"NDJSON": (ndjson, []), "CSV": (csv, []), "Parquet": (parquet, [])}


def _run(running: Product, events: int, *words: str) -> Figures:
    begun, peak = time.monotonic(), 0
    with psutil.Popen(
        [sys.executable, "-m", "eventpulse", *words],
        cwd=PROJECT_ROOT,
        env={**_inherited(), "EVENTPULSE_HOME": str(running.settings.home)},
        stdout=subprocess.DEVNULL,
    ) as command:
        while command.poll() is None:
            try:
                peak = max(peak, command.memory_info().rss)
            except psutil.NoSuchProcess:
                break
            time.sleep(_LOOK_EVERY_SECONDS)
    if command.returncode != 0:
        raise SystemExit(f"eventpulse {words[0]} ended with {command.returncode}.")
    wait_for("all of them to be stored", lambda: _stored(running) >= events or None, within=600)
    seconds = time.monotonic() - begun
    return {"events/s, from the start to the last row": events / seconds, "memory of the command, MB": peak / 2**20}


def _stored(running: Product) -> int:
    return int(running.api("GET", "/api/v1/ledger")["balance"]["stored"])


def _inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("EVENTPULSE_", "DATABASE_URL"))}


if __name__ == "__main__":
    typer.run(main)
