"""Through however many shards events come, and however their drains' steps interleave: the anomalies are the same."""

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from eventpulse.database.anomalies import history_lock
from eventpulse.database.connect import open_connection
from eventpulse.stream.connect import open_redis
from eventpulse.stream.shards import shards_of
from pipelines.live import drain_stream, take_in
from rules.evaluation import moves_without_events
from rules.rule import read_rule
from tests.draining import SteppedDrain, a_drain, microseconds, publish, save_rule
from tests.reference import evaluate as reference

START = datetime(2026, 1, 31, 23, 58, tzinfo=UTC)
LONG_AFTER = START + timedelta(hours=1)
FIELD = {"metric": "sum", "field": "payload.v"}
CONDITIONS: dict[str, dict[str, Any]] = {
    "match": {"filters": {"where": "payload.v > 7"}},
    "threshold": {"metric": "count", "operator": ">", "value": 4},
    "change": {**FIELD, "operator": ">", "value": 1.5},
    "absence": {"remember_seconds": 60},
    "deviation": {"bucket_seconds": 10, "baseline_buckets": 3, "value": 1.5},
    "new_value": {"field": "payload.v", "lookback_seconds": 40, "learn_seconds": 10},
    "transition": {"field": "payload.v"},
    "sequence": {"steps": [{"name": "a", "filters": {"source": "web"}}, {"name": "b", "filters": {"source": "db"}}]},
}
SPANS = [
    {"group_by": [], "cooldown_seconds": 20},
    {"group_by": ["payload.ip"], "cooldown_seconds": 0},
    {"group_by": ["source"], "cooldown_seconds": 5, "for_seconds": 2, "keep_firing_seconds": 3},
]
RULES = [
    {
        "name": f"{kind} {number}",
        "severity": "info",
        "window_seconds": 12,
        **spans,
        "condition": {"type": kind, **parts},
    }
    for place, (kind, parts) in enumerate(CONDITIONS.items())
    for number, spans in enumerate(SPANS)
    if kind == "threshold" or number == place % len(SPANS)
]
reference.WHERE["payload.v > 7"] = lambda event: (event.number("payload.v") or 0) > 7
KEPT = ("rules", "rule_versions", "rule_book", "alembic_version")


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    now: datetime = START - timedelta(days=1)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Scene:
    """A database and a Redis that are emptied for each example."""

    database_url: str
    redis_url: str
    connection: psycopg.Connection
    clock: Clock = field(default_factory=Clock)

    def empty(self) -> None:
        tables = self.connection.execute(
            "select string_agg(format('eventpulse.%%I', relname), ', ') from pg_class"
            " where relnamespace = 'eventpulse'::regnamespace and relkind in ('r', 'p') and not relispartition"
            " and relname <> all(%s)",
            (list(KEPT),),
        ).fetchone()
        assert tables is not None
        self.connection.execute(f"truncate {tables[0]} cascade")
        with open_redis(self.redis_url) as client:
            client.flushdb()
        self.clock.now = START - timedelta(days=1)

    @contextmanager
    def drains(self, shards: int, batch_events: int) -> Iterator[list[SteppedDrain]]:
        with ExitStack() as stack:
            yield [
                stack.enter_context(
                    a_drain(
                        self.database_url,
                        self.redis_url,
                        batch_events=batch_events,
                        hot=timedelta(seconds=15),
                        clock=self.clock,
                        shard=shard,
                    )
                )
                for shard in shards_of(shards)
            ]

    def anomalies(self) -> list[tuple[Any, ...]]:
        """All that is said of those that stand; positions follow the clock of Redis, and are left out."""
        return self.connection.execute(
            """
            select r.name, anomaly_id::text, "group"::text, event_id::text, occurred_at, value, threshold, expected,
                window_start, window_end, contributing::text[], contributing_count, message
            from eventpulse.anomalies join eventpulse.rules r using (rule_id) where state = 'current'
            order by r.name, anomaly_id
            """
        ).fetchall()

    def ledger(self) -> tuple[int, ...]:
        row = self.connection.execute(
            "select sum(taken)::int, sum(stored)::int, sum(duplicates)::int, sum(dead_lettered)::int,"
            " sum(missing)::int, sum(uncounted)::int from eventpulse.batches"
        ).fetchone()
        assert row is not None
        return tuple(row)


@pytest.fixture
def scene(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setattr(drain_stream, "WAIT_MILLISECONDS", 1)
    for rule in RULES:
        save_rule(database_url, rule)
    with open_connection(database_url, application="tests") as connection:
        yield Scene(database_url, redis_url, connection)


def events(seed: int, count: int) -> list[dict[str, Any]]:
    """Two minutes across midnight with many equal timestamps, in an order that is not quite that of time."""
    dice = random.Random(seed)
    listed = [
        {
            "event_id": str(UUID(int=dice.getrandbits(128))),
            "timestamp": (START + timedelta(seconds=dice.randrange(180))).isoformat(),
            "source": dice.choice(["web", "db", "shop", "ip-10-77-20-248", "käse"]),
            "payload": {"v": dice.choice([1, 2.5, 8, 9, "a", None]), "ip": dice.choice(["p", "q", "r"])},
        }
        for _ in range(count)
    ]
    return sorted(listed, key=lambda event: (dice.random() < 0.2, event["timestamp"] if dice.random() < 0.9 else ""))


@dataclass
class Interleaving:
    """Between the insert of a drain's micro-batch and its turn to judge, others make steps of their own."""

    drains: Sequence[SteppedDrain]
    waiting: list[int] = field(default_factory=list)
    meanwhile: list[int] = field(default_factory=list)

    def step(self, number: int, meanwhile: list[int]) -> bool:
        if number in self.waiting:
            return False
        self.meanwhile = meanwhile
        self.waiting.append(number)
        try:
            return self.drains[number].drain.step()
        finally:
            self.waiting.remove(number)

    def take_turn(self, *arguments: Any) -> None:
        meanwhile, self.meanwhile = self.meanwhile, []
        for place, number in enumerate(meanwhile):
            self.step(number, meanwhile[place + 1 :])
        history_lock.take_turn(*arguments)


schedules = st.lists(st.tuples(st.integers(0, 7), st.lists(st.integers(0, 7), max_size=4)), max_size=25)


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # an example takes a second: shrinking would take minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    shards=st.sampled_from([2, 3, 8]),
    seed=st.integers(0, 1_000),
    a_flush=st.sampled_from([3, 20, 200]),
    a_batch=st.sampled_from([20, 60, 1_000]),
    schedule=schedules,
)
def test_any_number_of_shards_in_any_interleaving_gives_the_anomalies_of_one(
    scene: Scene, shards: int, seed: int, a_flush: int, a_batch: int, schedule: list[tuple[int, list[int]]]
) -> None:
    accepted = events(seed, 150)
    scene.empty()
    publish(scene.redis_url, accepted, an_entry=a_flush)
    with scene.drains(1, a_batch) as [only]:
        only.run_until_empty()
        scene.clock.now = LONG_AFTER
        only.run_until_empty()
    expected = scene.anomalies()
    found = [(row[0], row[4], row[2], row[3], row[5], row[11]) for row in expected]
    assert sorted(found, key=repr) == sorted(by_reference(accepted), key=repr)

    scene.empty()
    publish(scene.redis_url, accepted, an_entry=a_flush, shards=shards)
    with scene.drains(shards, a_batch) as drains, pytest.MonkeyPatch.context() as patch:
        interleaving = Interleaving(drains)
        patch.setattr(take_in, "take_turn", interleaving.take_turn)
        for drain in drains:
            drain.drain.finish_what_was_left()
        for number, meanwhile in schedule:
            interleaving.step(number % shards, [other % shards for other in meanwhile])
        for drain in drains:
            drain.run_until_empty()
        scene.clock.now = LONG_AFTER
        for drain in drains:
            drain.run_until_empty()

    assert scene.anomalies() == expected
    assert scene.ledger() == (150, 150, 0, 0, 0, 0)


def by_reference(accepted: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What the plain reference finds: rule, instant, group, event, value and how many contributed."""
    listed = [
        reference.Event(
            event["event_id"],
            "tick",
            event["source"],
            microseconds(datetime.fromisoformat(event["timestamp"])),
            place,
            event["payload"],
        )
        for place, event in enumerate(accepted)
    ]
    until = microseconds(LONG_AFTER - timedelta(seconds=10))
    found = []
    for document in RULES:
        rule = read_rule(document)
        for one in reference.evaluate(rule, listed, until if moves_without_events(rule) else None):
            at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=one.at)
            found.append((rule.name, at, one.group, one.event_id, one.value, one.contributing_count))
    return found
