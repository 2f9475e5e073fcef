"""One drain leads, one stands by: the lead changes hands without a gap, and nothing is written without it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from eventpulse.database.connect import open_connection
from eventpulse.database.leadership import contenders, current_leases, wait_for_leadership
from eventpulse.settings import Settings
from pipelines.live.drain_run import DrainRun
from pipelines.live.drain_stream import Tally
from tests.draining import publish, save_rule

START = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)


class Notes:
    """A reporter that keeps what it is told."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.stored = 0

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def report(self, tally: Tally) -> None:
        self.stored += tally.stored

    def has_ended(self) -> bool:
        return False


class RunInAThread:
    """A drain run as Dagster would start it, and a way to tell it to end."""

    def __init__(self, name: str, settings: Settings) -> None:
        self.notes = Notes()
        self._stop = threading.Event()
        self._run = DrainRun(settings, name, self.notes, shall_stop=self._stop.is_set)
        self.thread = threading.Thread(target=self._run.run, name=name)

    def start(self) -> "RunInAThread":
        self.thread.start()
        return self

    def end(self) -> None:
        self._stop.set()
        self.thread.join(20)
        assert not self.thread.is_alive()


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    return Settings(
        _env_file=None,
        database_url=SecretStr(database_url),
        redis_url=SecretStr(redis_url),
        lease_seconds=1,
        materialise_seconds=1,
    )


@contextmanager
def running(*runs: RunInAThread) -> Iterator[None]:
    try:
        yield
    finally:
        for run in runs:
            run.end()


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.01)


def leader(engine: Engine) -> str | None:
    return next((one.run_id for one in contenders(engine, 0) if one.leads), None)


def numbered(first: int, count: int) -> list[dict[str, str]]:
    return [
        {"event_id": str(UUID(int=number)), "timestamp": (START + timedelta(seconds=number)).isoformat()}
        for number in range(first, first + count)
    ]


def stored(connection: psycopg.Connection) -> int:
    row = connection.execute("select count(*), count(distinct event_id) from eventpulse.events").fetchone()
    assert row is not None and row[0] == row[1]
    return int(row[0])


def test_the_lead_goes_round_while_events_come_in_and_every_event_is_stored_once(
    settings: Settings, database_url: str, redis_url: str, engine: Engine
) -> None:
    runs = [RunInAThread(name, settings) for name in ("a", "b", "c")]
    with running(*runs), open_connection(database_url, application="tests") as connection:
        sent = 0
        for run in runs:
            run.start()
            wait_until(lambda: leader(engine) == run.thread.name, "it leads")  # noqa: B023
            for _ in range(20):
                publish(redis_url, numbered(sent + 1, 5))
                sent += 5
        wait_until(lambda: stored(connection) == sent, "all events are stored")

    assert sum(run.notes.stored for run in runs) == sent
    assert "Handed over." in runs[0].notes.sentences
    assert "Handed over." in runs[1].notes.sentences


def test_who_leaves_hands_on_what_rules_need_of_the_past(settings: Settings, database_url: str, redis_url: str) -> None:
    condition = {"type": "deviation", "bucket_seconds": 60}
    save_rule(
        database_url,
        {"name": "spike", "severity": "info", "window_seconds": 60, "group_by": ["source"], "condition": condition},
    )
    run = RunInAThread("only", settings)
    with open_connection(database_url, application="tests") as connection:
        with running(run.start()):
            publish(redis_url, numbered(1, 3))
            wait_until(lambda: stored(connection) == 3, "the events are stored")
        kept = connection.execute("select turn, cardinality(event_ids) from eventpulse.kept_events").fetchall()
    assert kept == [(1, 0)]


def test_a_leader_whose_lease_is_over_leads_on_while_nobody_stands_by(
    settings: Settings, database_url: str, redis_url: str, engine: Engine
) -> None:
    run = RunInAThread("only", settings)
    with running(run), open_connection(database_url, application="tests") as connection:
        run.start()
        wait_until(
            lambda: (lease := current_leases(engine).get(0)) is not None and lease.lease_until < utc(), "lease over"
        )
        publish(redis_url, numbered(1, 3))
        wait_until(lambda: stored(connection) == 3, "the events are stored")

        assert leader(engine) == "only"


def utc() -> datetime:
    return datetime.now(UTC)


def test_a_drain_whose_connection_is_cut_stands_in_line_again_and_loses_nothing(
    settings: Settings, database_url: str, redis_url: str, engine: Engine
) -> None:
    run = RunInAThread("cut", settings.model_copy(update={"lease_seconds": 600}))
    with running(run), open_connection(database_url, application="tests") as connection:
        run.start()
        wait_until(lambda: leader(engine) == "cut", "it leads")
        (backend,) = [one.backend_pid for one in contenders(engine, 0)]
        connection.execute("select pg_terminate_backend(%s)", (backend,))
        publish(redis_url, numbered(1, 3))
        wait_until(lambda: stored(connection) == 3, "the events are stored")

    assert any(sentence.startswith("Interrupted, trying again") for sentence in run.notes.sentences)


def test_only_one_connection_leads_a_shard_and_the_next_in_line_follows_at_once(
    database_url: str, engine: Engine
) -> None:
    first = open_connection(database_url, application="eventpulse drain first")
    second = open_connection(database_url, application="eventpulse drain second")
    assert wait_for_leadership(first, 0, at_most_milliseconds=100)
    assert not wait_for_leadership(second, 0, at_most_milliseconds=100)
    assert wait_for_leadership(second, 1, at_most_milliseconds=100), "another shard has another leader"

    first.close()

    assert wait_for_leadership(second, 0, at_most_milliseconds=10_000)
    assert leader(engine) == "second"
    second.close()
