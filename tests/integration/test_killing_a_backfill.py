"""A backfill that is killed in the middle of a slice goes on from there, and comes to what an undisturbed one finds."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from eventpulse.settings import PROJECT_ROOT
from tests.draining import SteppedDrain, a_drain, publish, save_rule
from tests.reevaluating import standing

#: A real `eventpulse backfill` over slices of six hours, which the kernel ends in its third, at a point it is told of.
PROGRAM = """
import os, signal, sys
from functools import partial
from eventpulse.cli.main import app
from pipelines.history import backfill, reevaluate

def dying(call, after):
    slices = iter(range(1, 1000))
    def called(*args, **more):
        third = next(slices) == 3
        if third and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = call(*args, **more)
        if third:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
    return called

point = sys.argv[1]
if point == "before anything is written": reevaluate.compare = dying(reevaluate.compare, after=False)
if point == "written, not committed": reevaluate.write = dying(reevaluate.write, after=True)
if point == "committed": reevaluate.Reevaluation._judge = dying(reevaluate.Reevaluation._judge, after=True)
backfill.Reevaluation = partial(reevaluate.Reevaluation, slice_events=24)
app(["backfill"])
"""
RULES = [
    {"name": "many", "window_seconds": 3600, "condition": {"metric": "count", "operator": ">", "value": 2}},
    {"name": "rested", "window_seconds": 7200, "cooldown_seconds": 36_000, "condition": {"metric": "count"}},
]


@pytest.fixture
def history(database_url: str, redis_url: str) -> Iterator[SteppedDrain]:
    """Events on three days, one every quarter of an hour, and two rules that have not looked at them."""
    start = datetime(2026, 1, 29, 12, tzinfo=UTC)
    times = [start + timedelta(minutes=15 * number) for number in range(240)]
    publish(redis_url, [{"event_id": str(UUID(int=n + 1)), "timestamp": at.isoformat()} for n, at in enumerate(times)])
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
        for rule in RULES:
            condition = {"type": "threshold", "operator": ">", "value": 4, **rule["condition"]}  # type: ignore[dict-item]
            save_rule(database_url, {"severity": "info", **rule, "condition": condition})
        yield drain


def backfill(database_url: str, point: str = "nowhere") -> int:
    environment = {**os.environ, "DATABASE_URL": database_url}
    return subprocess.run([sys.executable, "-c", PROGRAM, point], cwd=PROJECT_ROOT, env=environment).returncode


def outcome(drain: SteppedDrain) -> dict[str, list[tuple[Any, ...]]]:
    """The anomalies that stand, the alerts, what is to be told of them, and what has been evaluated."""
    questions = {
        "alerts": "select rule_id, opened_at, ended_at, state, anomaly_count from eventpulse.alerts",
        "to be told": "select rule_id, opened_at, what from eventpulse.outbox join eventpulse.alerts using (alert_id)",
        "coverage": "select rule_id, day, evaluated::text from eventpulse.coverage",
    }
    found = {
        name: drain.connection.execute(f"{query} order by 1, 2, 3").fetchall() for name, query in questions.items()
    }
    return {**found, "anomalies": standing(drain.connection)}


def passed_slices(drain: SteppedDrain) -> int:
    row = drain.connection.execute("select count(*) from eventpulse.batches where origin = 'backfill'").fetchone()
    assert row is not None
    return int(row[0])


def test_a_backfill_killed_in_any_step_of_a_slice_ends_as_if_nothing_had_happened(
    history: SteppedDrain, database_url: str
) -> None:
    slices = 0
    for point, more in (("before anything is written", 2), ("written, not committed", 2), ("committed", 3)):
        assert backfill(database_url, point) == -signal.SIGKILL
        assert passed_slices(history) == (slices := slices + more)
    assert backfill(database_url) == 0
    resumed, slices = outcome(history), passed_slices(history)
    assert backfill(database_url) == 0
    assert passed_slices(history) == slices, "What has been evaluated is not evaluated again."

    for table in ("outbox", "alert_history", "anomalies", "alerts", "coverage"):
        history.connection.execute(f"delete from eventpulse.{table}")
    assert backfill(database_url) == 0
    undisturbed = outcome(history)

    assert resumed == undisturbed
    assert len(undisturbed["anomalies"]) == 238 + 6
