"""How fast is a backlog drained, with no rules and with many?"""

import itertools
import random
import time
from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from benchmarks.invented_events import SOURCES, TYPES
from benchmarks.leadership import nobody_drains
from benchmarks.load import run_load
from benchmarks.product import Product, product, wait_for
from benchmarks.results import Figures, report
from eventpulse.database.leadership import DRAIN

_LOOK_EVERY_SECONDS = 0.02


def main(
    url: Annotated[str | None, typer.Option(help="Measure a running EventPulse: adds rules and events to it!")] = None,
    runs: Annotated[int, typer.Option(help="How often; medians are shown.")] = 3,
    events: Annotated[int, typer.Option(help="Size of the backlog.")] = 200_000,
    rules: Annotated[
        list[int] | None, typer.Option(help="Threshold rules; several allowed. Default 0, 10, 50.")
    ] = None,
    shards: Annotated[
        list[int] | None, typer.Option(help="Shards that share the events; several allowed. Default 1.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Add the results to this file.")] = None,
) -> None:
    """Measure the drain of a backlog that was filled while nobody drained."""
    rows: dict[str, list[Figures]] = defaultdict(list)
    for _ in range(runs):
        for count, share in itertools.product(rules or [0, 10, 50], shards or [1]):
            with product(url, EVENTPULSE_SHARDS=share) as running:
                name = f"{count} rules" if share == 1 else f"{count} rules, {share} shards"
                rows[name].append(_drain_once(running, events, count, share))
    report(f"Drain of {events:,} events", rows, unit="each second where not said", json_file=json_file)


def threshold_rules(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """Rules of the usual kind: all name a type, half a source, two in five look into the payload."""
    chance = random.Random(seed)
    found = []
    for number in range(count):
        filters: dict[str, Any] = {"event_type": chance.choice(TYPES)}
        if chance.random() < 0.5:
            filters["source"] = chance.choice(SOURCES)
        if chance.random() < 0.4:
            filters["where"] = f"payload.amount > {chance.randrange(100)}"
        condition = {"type": "threshold", "metric": "count", "filters": filters, "operator": ">"}
        found.append(
            {
                "name": f"benchmark {number}",
                "severity": "info",
                "window_seconds": chance.randrange(30, 301),
                "cooldown_seconds": chance.randrange(60, 601),
                "condition": {**condition, "value": chance.randrange(3, 251)},
            }
        )
    return found


def _drain_once(running: Product, events: int, rules: int, shards: int) -> Figures:
    for rule in running.api("GET", "/api/v1/rules"):
        running.api("DELETE", f"/api/v1/rules/{rule['rule_id']}")
    for rule in threshold_rules(rules):
        running.api("POST", "/api/v1/rules", json=rule)
    with psycopg.connect(running.database_url, autocommit=True) as connection:
        with nobody_drains(running.database_url, shards):
            before = _taken(connection)
            last_batch = _last_batch(connection)
            # Four hours of events: 14 a second, so that windows are neither empty nor the whole backlog.
            run_load(running.url, batch=1000, connections=2, seconds=600, most_events=events, over_seconds=14_400)
            wait_for("warm standbys", lambda: _warm(connection, shards), within=60)
            time.sleep(5)  # a standby that has just come is still loading its rules
        begun = time.time()
        wait_for(
            "the end of the backlog",
            lambda: _taken(connection) >= before + events,
            within=600,
            every=_LOOK_EVERY_SECONDS,
        )
        ended = time.time()
        row = connection.execute(
            "select count(*), extract(epoch from min(started_at)), sum(stored), sum(anomalies),"
            " sum(extract(epoch from committed_at - started_at)) from eventpulse.batches where batch_id > %s",
            (last_batch,),
        ).fetchone()
    assert row is not None
    batches, first_start, stored, anomalies, _ = row
    return {
        "events/s": events / (ended - float(first_start)),
        "seconds": ended - float(first_start),
        "seconds to the first batch": float(first_start) - begun,
        "stored": float(stored),
        "anomalies": float(anomalies),
        "micro-batches": float(batches),
    }


def _taken(connection: "psycopg.Connection[Any]") -> int:
    row = connection.execute("select coalesce(sum(taken), 0) from eventpulse.batches").fetchone()
    return int(row[0]) if row else 0


def _last_batch(connection: "psycopg.Connection[Any]") -> int:
    row = connection.execute("select coalesce(max(batch_id), 0) from eventpulse.batches").fetchone()
    return int(row[0]) if row else 0


def _warm(connection: "psycopg.Connection[Any]", shards: int) -> bool:
    """Whether a drain waits for each shard; of those that share standbys, any of them may be the one it waits for."""
    row = connection.execute(
        "select count(*) from pg_stat_activity where datname = current_database() and application_name like %s",
        (DRAIN.prefix + "%",),
    ).fetchone()
    return row is not None and row[0] >= shards


if __name__ == "__main__":
    typer.run(main)
