"""How fast are rules evaluated, by themselves: no server, no stream, no database?

Each measurement takes one batch of events through selection and detection, as a drain does with a micro-batch, in a
process of its own, so that the memory it takes at most can be told.
"""

import random
import resource
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Annotated, Any
from uuid import UUID

import polars as pl
import typer

from benchmarks.plain_loop import EXACT, LOOPS, decoded, found_by
from benchmarks.results import Figures, report
from eventpulse.event import EVENT_SCHEMA
from rules.evaluation import paths_of, select_all
from rules.fields import with_fields
from rules.members import with_members
from rules.micro_batches.detection import Horizons, arrivals, detect, empty_memory, looking_at
from rules.micro_batches.memory import Memory
from rules.rule import Rule, read_rule

START = datetime(2026, 1, 31, tzinfo=UTC)
_EVERY = timedelta(milliseconds=10)
_HORIZONS = Horizons(lateness=timedelta(seconds=5), correct=timedelta(days=1), hot=timedelta(seconds=300))
TYPES = (*LOOPS, "composite")


def main(
    events: Annotated[int, typer.Option(help="Events in the batch.")] = 100_000,
    runs: Annotated[int, typer.Option(help="How often; medians are shown.")] = 3,
    rules: Annotated[list[int] | None, typer.Option(help="Rules of mixed types. Default 10, 100, 1000.")] = None,
    keys: Annotated[list[int] | None, typer.Option(help="Values of the group key. Default 10, 10000, 100000.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Add the results to this file.")] = None,
) -> None:
    """Measure the evaluation of rules."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as processes:

        def measured(*what: Any) -> list[Figures]:
            return processes.submit(_measure, events, runs, *what).result()

        aims = {
            "1,000 thresholds, ungrouped": measured("threshold", 1_000, 0),
            "100 thresholds, 10,000 keys": measured("threshold", 100, 10_000),
        }
        report(f"What is aimed at, {events:,} events", aims, unit="as said", json_file=json_file)
        mixed = {
            f"{count:,} rules, {many:,} keys": measured("mixed", count, many)
            for many in keys or [10, 10_000, 100_000]
            for count in rules or [10, 100, 1_000]
        }
        report(f"Rules of mixed types, {events:,} events", mixed, unit="as said", json_file=json_file)
        each: dict[str, list[Figures]] = defaultdict(list)
        for kind in TYPES:
            each[kind] = measured(kind, 10, 10_000)
        speed = median(run["events/s"] or 0.0 for run in each["threshold"])
        for figures in (one for runs_of in each.values() for one in runs_of):
            figures["part of threshold"] = (figures["events/s"] or 0.0) / speed
        report(f"10 rules of one type, 10,000 keys, {events:,} events", each, unit="as said", json_file=json_file)


def _measure(events: int, runs: int, kind: str, count: int, keys: int) -> list[Figures]:
    batch = invented(events, max(keys, 1))
    documents = [document(kind if kind != "mixed" else TYPES[n % len(TYPES)], n, keys) for n in range(count)]
    rules = rules_of(documents)
    found = []
    for _ in range(runs):
        memories = empty_memories(rules, batch)
        begun, worked = time.perf_counter(), time.process_time()
        anomalies = evaluated(rules, memories, batch)
        seconds, worked = time.perf_counter() - begun, time.process_time() - worked
        figures: Figures = {"events/s": events / seconds, "seconds": seconds, "CPU seconds": worked}
        found.append({**figures, "anomalies": float(anomalies)})
    for figures in found:
        figures["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if kind in LOOPS and count <= 100:
        for figures in found:
            loop = looped(documents, batch, anomalies if kind in EXACT else None)
            figures["plain loop events/s"] = events / loop
            figures["times the loop"] = loop / (figures["seconds"] or 1.0)
    return found


def looped(documents: list[dict[str, Any]], batch: pl.DataFrame, expected: int | None) -> float:
    """How long the plain loop takes; it must find what was found, where it can."""
    rows = (
        batch.with_columns(pl.col("timestamp").cast(pl.Int64)).select("event_type", "timestamp", "payload").to_dicts()
    )
    begun = time.perf_counter()
    events = decoded(rows)
    found = sum(found_by(one["condition"], one, events) for one in documents)
    seconds = time.perf_counter() - begun
    if expected is not None and found != expected:
        raise AssertionError(f"The loop finds {found} anomalies, the rules find {expected}.")
    return seconds


def empty_memories(rules: list[Rule], batch: pl.DataFrame) -> dict[UUID, Memory]:
    """What rules remember that have seen nothing yet; a drain makes it once, when it begins."""
    nothing = select_all(rules, with_fields(batch.clear(), paths_of(rules)))
    return {rule.rule_id: empty_memory(nothing[rule.rule_id], START - timedelta(days=1)) for rule in rules}


def evaluated(rules: list[Rule], memories: dict[UUID, Memory], batch: pl.DataFrame) -> int:
    """How many anomalies a batch brings to rules."""
    fields = with_fields(batch, paths_of(looking_at(rules, batch)))
    arrived = arrivals(rules, memories, fields, _HORIZONS)
    findings = detect(rules, memories, arrived, {}, START + len(batch) * _EVERY, _HORIZONS)
    if findings.faults:
        raise AssertionError(next(iter(findings.faults.values())))
    return findings.anomalies.height


def invented(count: int, keys: int) -> pl.DataFrame:
    """Events a hundredth of a second apart: ten types, fifty sources, and a key of so many values."""
    chance = random.Random(1)
    columns = {
        "event_id": [f"00000000-0000-4000-8000-{number:012d}" for number in range(count)],
        "event_type": [f"type_{chance.randrange(10)}" for _ in range(count)],
        "source": [f"source-{chance.randrange(50):02}" for _ in range(count)],
        "timestamp": [START + number * _EVERY for number in range(count)],
        "received_at": [START + number * _EVERY for number in range(count)],
        "position": list(range(count)),
        "payload": [
            f'{{"key":"key-{chance.randrange(keys)}","ms":{chance.randrange(1000)},"country":"{chance.choice("ABCDE")}"}}'
            for _ in range(count)
        ],
        "metadata": ["{}"] * count,
    }
    return pl.DataFrame(columns, schema=EVENT_SCHEMA)


def document(kind: str, number: int, keys: int) -> dict[str, Any]:
    """A rule of a type; each number is another one."""
    filters = {"event_type": f"type_{number % 10}"}
    value = 1 + number % 7 if keys else 100 + 5 * (number % 97)
    conditions: dict[str, dict[str, Any]] = {
        "match": {"filters": {**filters, "where": "payload.ms > 900"}},
        "threshold": {"metric": "count", "filters": filters, "operator": ">", "value": value},
        "change": {"metric": "count", "filters": filters, "operator": ">", "value": 2.0, "min_count": 5},
        "absence": {"filters": filters},
        "deviation": {"filters": filters, "value": 3.0, "bucket_seconds": 60, "baseline_buckets": 5},
        "new_value": {"filters": filters, "field": "payload.country", "learn_seconds": 0, "lookback_seconds": 86_400},
        "transition": {"filters": filters, "field": "payload.country"},
        "sequence": {
            "steps": [
                {"name": "first", "filters": filters},
                {"name": "second", "filters": {"event_type": f"type_{(number + 1) % 10}"}},
            ]
        },
        "composite": {"expression": f"a{number} and not b{number}"},
    }
    return {
        "name": f"{kind} {number}",
        "severity": "info",
        "window_seconds": 60 + number % 60,
        "cooldown_seconds": 300,
        "group_by": ["payload.key"] if keys else [],
        "condition": {"type": kind, **conditions[kind]},
    }


def rules_of(documents: list[dict[str, Any]]) -> list[Rule]:
    """The rules; composites with their members, which are not evaluated for themselves."""
    members = []
    for number, one in enumerate(documents):
        if one["condition"]["type"] == "composite":
            for name, kind in (("a", "threshold"), ("b", "absence")):
                parts = document(kind, number, len(one["group_by"]))
                members.append({**parts, "name": f"{name}{one['name'].split()[1]}", "group_by": one["group_by"]})
    whole, faults = with_members(read_rule(one) for one in [*documents, *members])
    if faults:
        raise AssertionError(next(iter(faults.values())))
    names = {one["name"] for one in documents}
    return [rule for rule in whole if rule.name in names]


if __name__ == "__main__":
    typer.run(main)
