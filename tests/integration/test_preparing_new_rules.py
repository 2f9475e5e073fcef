"""A new rule that needs to know all of a long past holds nobody up while that is read."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from eventpulse.database.connect import open_connection, open_engine
from eventpulse.database.rules.rule_states import rule_states
from pipelines.live import prepare_rules
from pipelines.live.prepare_rules import Preparations
from tests.draining import SteppedDrain, a_drain, current_anomalies, publish, save_rule

START = datetime(2026, 1, 1, tzinfo=UTC)
HOT = timedelta(seconds=300)
EVERY = {"name": "every", "severity": "info", "window_seconds": 60, "condition": {"type": "match"}}
FIRST = {
    "name": "new word",
    "severity": "info",
    "window_seconds": 60,
    "group_by": ["source"],
    "condition": {"type": "new_value", "field": "payload.v", "lookback_seconds": 864_000, "learn_seconds": 0},
}


def event(number: int, day: float, v: str) -> dict[str, Any]:
    at = START + timedelta(days=day)
    return {"event_id": str(UUID(int=number)), "timestamp": at.isoformat(), "payload": {"v": v}}


def found_by(drain: SteppedDrain, name: str) -> list[datetime]:
    rows = drain.connection.execute(
        "select a.occurred_at from eventpulse.anomalies a join eventpulse.rules r using (rule_id)"
        " where r.name = %s and a.state = 'current' order by 1",
        (name,),
    )
    return [at for (at,) in rows]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def drain(database_url: str, redis_url: str, said: list[str]) -> Iterator[SteppedDrain]:
    """One that leads, with three days of events behind it."""
    save_rule(database_url, {**EVERY, "cooldown_seconds": 0})
    with a_drain(database_url, redis_url) as drain:
        publish(redis_url, [event(day, day, "a") for day in range(4)])
        drain.run_until_empty()
        preparations = Preparations(lambda: open_connection(database_url, application="tests"), HOT, said.append)
        drain.detector.preparations = preparations
        yield drain
        preparations.stop()


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """The past is read from when this is set."""
    go_on, real = threading.Event(), prepare_rules.build_memory

    def build(*arguments: Any) -> Any:
        assert go_on.wait(30)
        return real(*arguments)

    monkeypatch.setattr(prepare_rules, "build_memory", build)
    return go_on


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


def knows_its_past(drain: SteppedDrain, said: list[str]) -> bool:
    drain.run_until_empty()
    return len(said) == 2


def test_others_go_on_while_the_past_of_a_new_rule_is_read_and_then_it_is_evaluated(
    drain: SteppedDrain, database_url: str, redis_url: str, held: threading.Event, said: list[str]
) -> None:
    save_rule(database_url, {**FIRST, "cooldown_seconds": 0})
    publish(redis_url, [event(10, 3.5, "b")])
    drain.run_until_empty()
    assert len(found_by(drain, "every")) == 5
    assert found_by(drain, "new word") == []
    assert "new word" not in live_on(drain.connection)
    assert states(database_url) == {"every": "live", "new word": "preparing"}

    held.set()
    until(lambda: knows_its_past(drain, said))
    publish(redis_url, [event(11, 3.6, "a"), event(12, 3.6, "b"), event(13, 3.6, "c")])
    drain.run_until_empty()

    assert len(found_by(drain, "every")) == 8
    assert found_by(drain, "new word") == [START + timedelta(days=3.6)]  # c; b had come meanwhile, a long before
    assert "new word" in live_on(drain.connection)
    assert states(database_url) == {"every": "live", "new word": "live"}
    assert said == [
        "Rule new word looks back over all of history. That is read first; the others are evaluated.",
        "Rule new word knows its past and is evaluated from now on.",
    ]


def states(database_url: str) -> dict[str, str]:
    engine = open_engine(database_url, application="tests")
    with engine.connect() as connection:
        found = {state.rule.name: state.rule.state for state in rule_states(connection, START.date())}
    engine.dispose()
    return found


def live_on(connection: psycopg.Connection) -> set[str]:
    rows = connection.execute(
        "select distinct r.name from eventpulse.coverage c join eventpulse.rules r using (rule_id) where c.live"
    )
    return {name for (name,) in rows}


def test_what_is_being_read_is_given_up_when_the_drain_ends(
    drain: SteppedDrain, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    def read_for_ever(connection: psycopg.Connection, *_: Any) -> None:
        begun.set()
        connection.execute("select pg_sleep(3600)")

    monkeypatch.setattr(prepare_rules, "build_memory", read_for_ever)
    save_rule(database_url, FIRST)
    publish(redis_url, [event(10, 3.5, "b")])
    drain.run_until_empty()
    assert begun.wait(30)

    drain.detector.preparations.stop()  # type: ignore[union-attr]

    assert current_anomalies(drain.connection)
    sleeping = drain.connection.execute(
        "select count(*) from pg_stat_activity where datname = current_database() and query like '%pg_sleep%'"
        " and pid <> pg_backend_pid() and state = 'active'"
    ).fetchone()
    assert sleeping == (0,)


def test_what_goes_wrong_is_said_of_the_rule_alone(
    drain: SteppedDrain, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("a past nobody can read")

    monkeypatch.setattr(prepare_rules, "build_memory", fail)
    save_rule(database_url, FIRST)
    publish(redis_url, [event(10, 3.5, "b")])
    drain.run_until_empty()

    def is_said() -> bool:
        drain.run_until_empty()
        rows = drain.connection.execute("select rule_errors::text from eventpulse.batches").fetchall()
        return any("a past nobody can read" in text for (text,) in rows)

    until(is_said)
    publish(redis_url, [event(11, 3.6, "b")])
    drain.run_until_empty()
    assert len(found_by(drain, "every")) == 6
