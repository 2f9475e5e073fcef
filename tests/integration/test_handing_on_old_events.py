"""A drain that starts knows what its predecessor knew of the past, without reading all of the past."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import polars as pl
import psycopg
import pytest

from eventpulse.database.anomalies.findings import load_progress
from eventpulse.database.connect import open_connection
from eventpulse.database.events.kept_events import KeptEvents, keep
from pipelines.live import recall
from pipelines.live.recall import build_memory
from pipelines.read_rules import read_rules
from rules.evaluation import needs_all_of_the_past
from rules.micro_batches.memory import Memory
from tests.draining import SteppedDrain, a_drain, publish, save_rule

START = datetime(2026, 1, 1, tzinfo=UTC)
HOT = timedelta(seconds=300)
CONDITIONS: dict[str, dict[str, Any]] = {
    "threshold": {"metric": "count", "operator": "<", "value": 1, "min_count": 0},
    "deviation": {"bucket_seconds": 60, "baseline_buckets": 3},
    "new_value": {"field": "payload.v", "lookback_seconds": 864_000, "learn_seconds": 60},
    "transition": {"field": "payload.v"},
}


def some_events(seed: int, count: int, first_day: int, last_day: int) -> list[dict[str, Any]]:
    dice = random.Random(seed)
    return [
        {
            "event_id": str(UUID(int=dice.getrandbits(128))),
            "timestamp": (START + timedelta(seconds=dice.randrange(first_day * 86_400, last_day * 86_400))).isoformat(),
            "source": dice.choice(["web", "db"]),
            "payload": {"v": dice.choice([1, 2.5, "a", None]), "ip": dice.choice(["p", "q", "r"])},
        }
        for _ in range(count)
    ]


@pytest.fixture(autouse=True, params=[0, 50_000], ids=["carried piece by piece", "carried at the end"])
def few_rows(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(recall, "_FEW_ROWS", request.param)


@pytest.fixture
def drain(database_url: str, redis_url: str) -> Iterator[SteppedDrain]:
    """A drain that has judged a week of events in every order, by rules that look back for ever."""
    for kind, condition in CONDITIONS.items():
        for number, group_by in enumerate([[], ["payload.ip"], ["source"]]):
            rule = {"name": f"{kind} {number}", "severity": "info", "window_seconds": 30, "group_by": group_by}
            save_rule(database_url, {**rule, "for_seconds": 10, "condition": {"type": kind, **condition}})
    both = {"type": "composite", "expression": '"deviation 1" or not "threshold 1"'}
    save_rule(
        database_url,
        {"name": "both", "severity": "info", "window_seconds": 30, "group_by": ["payload.ip"], "condition": both},
    )
    with a_drain(database_url, redis_url) as drain:
        publish(redis_url, some_events(1, 400, 0, 7))
        drain.run_until_empty()
        yield drain


@pytest.fixture
def other(database_url: str) -> Iterator[psycopg.Connection]:
    with open_connection(database_url, application="tests") as connection:
        yield connection


def memories(connection: psycopg.Connection) -> dict[str, Memory]:
    progress = load_progress(connection)
    rules, _ = read_rules(connection)
    return {
        rule.name: build_memory(connection, rule, progress.get(rule.rule_id), HOT)
        for rule in rules
        if needs_all_of_the_past(rule)
    }


def without_the_past(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Whoever asks where the past begins, to read it from there, fails."""
    monkeypatch.delattr(recall, "oldest_stored")
    return monkeypatch


def test_what_was_handed_on_and_what_came_since_is_what_all_of_history_gives(
    drain: SteppedDrain, redis_url: str, other: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    drain.detector.hand_on()
    publish(redis_url, some_events(2, 100, 0, 9))  # late ones and new ones
    drain.run_until_empty()
    whole = memories_without_what_was_handed_on(other)

    without_the_past(monkeypatch)
    found = memories(other)

    assert found.keys() == whole.keys() and len(found) == 10
    for name, memory in found.items():
        assert (memory.floor, memory.newest) == (whole[name].floor, whole[name].newest)
        assert plain(memory.rows) == plain(whole[name].rows), name


def memories_without_what_was_handed_on(connection: psycopg.Connection) -> dict[str, Memory]:
    with connection.transaction(force_rollback=True):
        assert connection.execute("delete from eventpulse.kept_events").rowcount == 10
        return memories(connection)


def plain(rows: pl.DataFrame) -> list[tuple[Any, ...]]:
    return rows.select(pl.exclude("group_key").cast(pl.String)).sort("timestamp", "event_id", "group").rows()


@pytest.mark.parametrize(
    "change",
    [
        "update eventpulse.kept_events set semantic_hash = 'another meaning'",
        "update eventpulse.kept_events set through = through + interval '30 days'",
        "update eventpulse.kept_events set turn = 999999",
    ],
)
def test_what_does_not_fit_is_not_used(drain: SteppedDrain, other: psycopg.Connection, change: str) -> None:
    drain.detector.hand_on()
    whole = memories_without_what_was_handed_on(other)
    other.execute("update eventpulse.kept_events set event_ids = '{}', instants = '{}'")
    assert any(plain(memory.rows) != plain(whole[name].rows) for name, memory in memories(other).items())

    other.execute(change)

    for name, memory in memories(other).items():
        assert plain(memory.rows) == plain(whole[name].rows), name


def test_what_was_written_down_later_stands(drain: SteppedDrain, redis_url: str, other: psycopg.Connection) -> None:
    drain.detector.hand_on()
    publish(redis_url, some_events(2, 100, 7, 9))
    drain.run_until_empty()
    drain.detector.hand_on()
    later = other.execute("select turn, through from eventpulse.kept_events order by rule_id").fetchall()
    [(rule_id, meaning)] = other.execute("select rule_id, semantic_hash from eventpulse.kept_events limit 1").fetchall()

    keep(other, rule_id, meaning, 1, KeptEvents(START, [], []))

    assert other.execute("select turn, through from eventpulse.kept_events order by rule_id").fetchall() == later
