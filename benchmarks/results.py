"""Medians over runs, the line that says on which machine, tables for people and JSON for programs."""

import json
import platform
import statistics
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

Figures = dict[str, float | None]

_PACKAGES = ("dagster", "fastapi", "polars", "psycopg", "redis", "sqlalchemy", "uvicorn")


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank)."""
    return sorted_values[max(0, min(len(sorted_values) - 1, int(share * len(sorted_values) + 0.5) - 1))]


def spread(prefix: str, values: Sequence[float]) -> Figures:
    """p50, p95, p99, the largest, and how many values there were."""
    ordered = sorted(values)
    if not ordered:
        return {f"{prefix} n": 0}
    figures: Figures = {f"{prefix} p{int(share * 100)}": percentile(ordered, share) for share in (0.5, 0.95, 0.99)}
    return figures | {f"{prefix} max": ordered[-1], f"{prefix} n": len(ordered)}


def medians(runs: Sequence[Figures]) -> Figures:
    """For each figure the median over the runs that have it."""
    names = list(dict.fromkeys(name for run in runs for name in run))
    found = {name: [value for run in runs if (value := run.get(name)) is not None] for name in names}
    return {name: statistics.median(values) if values else None for name, values in found.items()}


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    memory = psutil.virtual_memory().total / 2**30
    return {
        "machine": f"{_processor()}, {psutil.cpu_count()} cores, {memory:.0f} GB, {platform.system()}",
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def report(title: str, rows: Mapping[str, Sequence[Figures]], *, unit: str, json_file: Path | None) -> None:
    """Print one table with the medians of each row's runs, and add everything to the JSON file."""
    middle = {name: medians(runs) for name, runs in rows.items()}
    console = Console(width=max(120, Console().width))
    console.print(f"\n[bold]{title}[/] ({unit})")
    console.print(_table(middle))
    facts = machine()
    runs = max((len(each) for each in rows.values()), default=0)
    console.print(f"median of {runs} run(s); {', '.join(f'{k} {v}' for k, v in facts.items())}", style="dim")
    if json_file:
        _add(json_file, title, {"unit": unit, "machine": facts, "medians": middle, "runs": rows})


def _table(rows: Mapping[str, Figures]) -> Table:
    """The longer side goes down the page."""
    figures = list(dict.fromkeys(figure for row in rows.values() for figure in row))
    cells = {(name, figure): _shown(row.get(figure)) for name, row in rows.items() for figure in figures}
    table = Table("")
    down, across = (figures, list(rows)) if len(figures) > len(rows) else (list(rows), figures)
    for heading in across:
        table.add_column(heading, justify="right")
    for line in down:
        table.add_row(line, *(cells.get((line, each), cells.get((each, line), "")) for each in across))
    return table


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:,.2f}"


def _add(json_file: Path, title: str, result: Mapping[str, Any]) -> None:
    known = json.loads(json_file.read_text()) if json_file.exists() else {}
    json_file.write_text(json.dumps(known | {title: result}, indent=2) + "\n")
