"""What does EventPulse cost: time to start, memory, idle CPU, and how Dagster's own storage grows?"""

import asyncio
import time
from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

import httpx2
import psutil
import psycopg
import typer

from benchmarks.processes import cpu_seconds, memory_by_role
from benchmarks.product import Product, product, wait_for
from benchmarks.results import Figures, report
from benchmarks.watch_arrivals import Arrivals, post_evenly

_FIRST_EVENT = {"event_type": "first", "source": "footprint", "timestamp": "2026-01-01T00:00:00Z"}


def main(
    runs: Annotated[int, typer.Option(help="How often; medians are shown.")] = 3,
    idle_seconds: Annotated[float, typer.Option(help="How long the idle CPU is watched.")] = 60.0,
    load_seconds: Annotated[float, typer.Option(help="How long the steady load lasts.")] = 120.0,
    rate: Annotated[float, typer.Option(help="Events a second of the steady load.")] = 100.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Add the results to this file.")] = None,
) -> None:
    """Measure what a fresh product costs."""
    start: list[Figures] = []
    memory: dict[str, list[Figures]] = defaultdict(list)
    cpu: list[Figures] = []
    growth: dict[str, list[Figures]] = defaultdict(list)
    for _ in range(runs):
        with product(draining=False) as running:
            accepted = wait_for("the first accepted event", lambda: _accepts(running), within=120, every=0.02)
            wait_for("a leading drain", lambda: running.health().get("worker") == "ok", within=120)
            start.append(
                {"first event accepted": accepted - running.started_at, "drain leads": time.time() - running.started_at}
            )
            time.sleep(20)  # what starting left to do is done by then
            assert running.process is not None
            for role, megabytes in memory_by_role(running.process).items():
                memory[role].append({"PSS": megabytes})
            cpu.append(_idle_cpu(running.process, idle_seconds))
            for table, figures in _storage_growth(running, rate, load_seconds).items():
                growth[table].append(figures)
    report("From start", {"eventpulse up": start}, unit="seconds", json_file=json_file)
    report("Memory, idle", memory, unit="MB", json_file=json_file)
    report(f"CPU, idle for {idle_seconds:.0f} s", {"all processes": cpu}, unit="% of one core", json_file=json_file)
    report(f"Dagster's storage at {rate:g} events/s", growth, unit="rows and MB a day", json_file=json_file)


def _accepts(running: Product) -> float | None:
    try:
        answer = httpx2.post(running.url + "/api/v1/events", json=_FIRST_EVENT, timeout=5.0)
    except httpx2.HTTPError:
        return None
    return time.time() if answer.status_code == 202 else None


def _idle_cpu(process: psutil.Process, seconds: float) -> Figures:
    before, begun = cpu_seconds(process), time.monotonic()
    time.sleep(seconds)
    after, took = cpu_seconds(process), time.monotonic() - begun
    used = {role: 100 * (after[role] - before.get(role, 0.0)) / took for role in after}
    return {**used, "total": sum(used.values())}


def _storage_growth(running: Product, rate: float, seconds: float) -> dict[str, Figures]:
    """What a day of this would add to each of Dagster's tables, and to all of them."""
    before, begun = _dagster_storage(running), time.monotonic()
    asyncio.run(post_evenly(running.url, Arrivals(), rate=rate, seconds=seconds))
    after, days = _dagster_storage(running), (time.monotonic() - begun) / 86_400
    grown = {
        table: (rows - before.get(table, (0, 0))[0], size - before.get(table, (0, 0))[1])
        for table, (rows, size) in after.items()
    }
    grown["all tables"] = (sum(rows for rows, _ in grown.values()), sum(size for _, size in grown.values()))
    return {
        table: {"rows/day": rows / days, "MB/day": size / 2**20 / days} for table, (rows, size) in grown.items() if rows
    }


def _dagster_storage(running: Product) -> dict[str, tuple[int, int]]:
    """Rows and bytes of each table that Dagster keeps, wherever in the server it is."""
    found = {}
    with psycopg.connect(running.database_url, autocommit=True) as connection:
        names = [name for (name,) in connection.execute("select datname from pg_database where not datistemplate")]
    for name in names:
        with psycopg.connect(running.database_url, dbname=name, autocommit=True) as connection:
            tables: list[tuple[Any, ...]] = connection.execute(
                "select tablename, quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables"
                " where schemaname not in ('pg_catalog', 'information_schema', 'eventpulse')"
            ).fetchall()
            for table, quoted in tables:
                row = connection.execute(
                    f"select count(*), pg_total_relation_size('{quoted}') from {quoted}"
                ).fetchone()
                assert row is not None
                found[table] = (row[0], row[1])
    return found


if __name__ == "__main__":
    typer.run(main)
