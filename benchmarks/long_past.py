"""What does a long past cost: how long does it take to store a micro-batch, a drain to know what rules need, and to
judge an event that comes late?"""

import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time as time_of_day, timedelta
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import polars as pl
import psycopg
import typer
from psycopg.types.json import Json

from benchmarks.results import Figures, report
from eventpulse.database.connect import open_connection, open_engine
from eventpulse.database.events.incoming import prepare_staging, store_events
from eventpulse.database.events.partitions import DayPartitions
from eventpulse.database.migrate import migrate
from eventpulse.embedded.ports import choose_free_port
from eventpulse.embedded.postgresql import create_database, postgresql_url, prepare_postgresql
from eventpulse.embedded.running import running
from eventpulse.event import EVENT_SCHEMA
from pipelines.live.find_anomalies import Detector
from rules.micro_batches.detection import Horizons
from rules.rule import read_rule

TODAY = date(2026, 6, 30)
_EVENTS_OF_A_DAY = 2_000


def main(
    runs: Annotated[int, typer.Option(help="How often; medians are shown.")] = 5,
    days: Annotated[list[int] | None, typer.Option(help="Days with events. Default 1, 30, 365.")] = None,
    events: Annotated[list[int] | None, typer.Option(help="Events in a micro-batch. Default 20, 1000, 5000.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Add the results to this file.")] = None,
) -> None:
    """Store micro-batches of one day, and start drains, beside ever more days."""
    rows: dict[str, list[Figures]] = defaultdict(list)
    starts: dict[str, list[Figures]] = defaultdict(list)
    with _database() as connection:
        there = batches = 0
        for wanted in sorted(days or [1, 30, 365]):
            past = [TODAY - timedelta(days=number) for number in range(there, wanted)]
            DayPartitions().ensure(connection, past, TODAY)
            for day in past:
                batches += 1
                _store(connection, _EVENTS_OF_A_DAY, day, batches)
            connection.execute("analyze eventpulse.events")
            there = wanted
            for size in events or [20, 1_000, 5_000]:
                for _ in range(runs):
                    batches += 1
                    seconds = _store(connection, size, TODAY, batches)
                    figures: Figures = {"ms": 1_000 * seconds, "µs an event": 1_000_000 * seconds / size}
                    rows[f"{size:,} events beside {wanted:,} days"].append(figures)
            for _ in range(runs):
                connection.execute("delete from eventpulse.kept_events")
                figures = {"all of history read": _start(connection), "handed on by another": _start(connection)}
                figures["a late event"] = _judge_a_late_event(connection)
                starts[f"{wanted:,} days of {_EVENTS_OF_A_DAY:,} events"].append(figures)
    report("Storing a micro-batch", rows, unit="as said", json_file=json_file)
    report("A drain that starts, with a rule for spikes of each source", starts, unit="seconds", json_file=json_file)


@contextmanager
def _database() -> Iterator[psycopg.Connection]:
    """A fresh database with all tables."""
    with tempfile.TemporaryDirectory(prefix="eventpulse-bench-") as name:
        folder, port = Path(name) / "postgresql", choose_free_port()
        with running(prepare_postgresql(folder, port), Path(name) / "postgresql.log"):
            create_database(folder, port, "bench")
            engine = open_engine(postgresql_url(folder, port, "bench"), application="benchmark")
            migrate(engine)
            engine.dispose()
            with open_connection(postgresql_url(folder, port, "bench"), application="benchmark") as connection:
                prepare_staging(connection)
                _add_rule(connection)
                yield connection


def _start(connection: psycopg.Connection) -> float:
    """How many seconds a drain takes until it knows everything; it hands that on at its end."""
    begun = time.perf_counter()
    detector = _detector(connection)
    seconds = time.perf_counter() - begun
    detector.hand_on()
    return seconds


def _judge_a_late_event(connection: psycopg.Connection) -> float:
    """How many seconds it takes to judge an event that is two days late."""
    detector, at = _detector(connection), datetime.combine(TODAY - timedelta(days=2), time_of_day(12), UTC)
    batch, now = _events(1, at), datetime.combine(TODAY, time_of_day(12), UTC)
    with connection.transaction(force_rollback=True):
        store_events(connection, batch, batch_id=0, origin="live")
        begun = time.perf_counter()
        foreseen = detector.foresee(batch, now, {})
        if foreseen.findings is not None or detector.find(foreseen, now, now, {}).findings.faults:
            raise AssertionError("The event was not judged as a late one.")
        return time.perf_counter() - begun


def _detector(connection: psycopg.Connection) -> Detector:
    detector = Detector(connection, Horizons(timedelta(seconds=5), timedelta(days=7), timedelta(seconds=300)))
    detector.follow()
    return detector


def _add_rule(connection: psycopg.Connection) -> None:
    """A rule that looks at every event, and that wants to know when the first one of each source came."""
    condition = {"type": "deviation", "bucket_seconds": 60}
    document = {
        "name": "spike",
        "severity": "info",
        "window_seconds": 60,
        "group_by": ["source"],
        "condition": condition,
    }
    rule = read_rule(document)
    connection.execute(
        "insert into eventpulse.rules (rule_id, name, enabled, severity, version, semantic_hash, document)"
        " values (%s, %s, true, 'info', 1, %s, %s)",
        (rule.rule_id, rule.name, rule.semantic_hash, Json(document)),
    )


def _store(connection: psycopg.Connection, count: int, day: date, batch_id: int) -> float:
    """Store a micro-batch; says how many seconds it took, commit included."""
    batch = _events(count, datetime.combine(day, time_of_day(), UTC))
    begun = time.perf_counter()
    with connection.transaction():
        store_events(connection, batch, batch_id=batch_id, origin="live")
    seconds = time.perf_counter() - begun
    connection.execute(
        "insert into eventpulse.batches (batch_id, origin, taken, stored, duplicates, dead_lettered, started_at,"
        " newest_event_at) values (%s, 'live', %s, %s, 0, 0, now(), %s)",
        (batch_id, count, count, batch["timestamp"].max()),
    )
    return seconds


def _events(count: int, start: datetime) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "event_id": [str(uuid4()) for _ in range(count)],
            "event_type": "page_view",
            "source": "web",
            "timestamp": [start + timedelta(milliseconds=number) for number in range(count)],
            "received_at": start,
            "position": range(count),
            "payload": '{"path":"/cart","ms":120}',
            "metadata": "{}",
        },
        schema=EVENT_SCHEMA,
    )


if __name__ == "__main__":
    typer.run(main)
