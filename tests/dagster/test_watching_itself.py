"""Troubles of EventPulse become events like any other, once, and nothing goes round in circles."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from eventpulse.cli.builtin_rules import install_builtin_rules
from eventpulse.settings import Settings
from eventpulse.stream.connect import open_redis
from eventpulse.stream.keys import EVENTS_STREAM
from sensors.self_watch import notice, self_watch, tell
from sensors.trouble_verdict import OVER_AFTER
from tests.draining import PowerCut, a_drain, publish, publish_lines, save_rule

NOW = datetime.now(UTC)
RULE = {"name": "mine", "severity": "info", "condition": {"type": "match"}}


@pytest.fixture
def settings(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    return Settings(database_url=SecretStr(database_url), redis_url=SecretStr(redis_url))


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def look(settings: Settings, engine: Engine, now: datetime = NOW) -> list[str]:
    """Look and tell; what was told, except that no drain runs in this test."""
    notice(settings, engine, now)
    with open_redis(settings.redis_url.get_secret_value()) as client:  # type: ignore[union-attr]
        return [one for one in tell(engine, client) if not one.startswith("drain_missing")]


def own_events(database_url: str, redis_url: str) -> list[tuple[str, dict[str, Any]]]:
    """The events about itself, once they are stored, except that no drain ran between two looks of this test."""
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
        return drain.connection.execute(
            "select event_type, payload from eventpulse.events where source = 'eventpulse'"
            " and event_type <> 'eventpulse.drain_missing' order by position"
        ).fetchall()


def fail(connection: psycopg.Connection, failures: int = 1, *, suspended: bool = False) -> None:
    connection.execute(
        "insert into eventpulse.rule_progress (rule_id, semantic_hash, failures, last_error, suspended_at)"
        " select rule_id, semantic_hash, %(failures)s, 'it divides by zero', %(since)s from eventpulse.rules"
        " where name = 'mine' on conflict (rule_id) do update set failures = excluded.failures,"
        " suspended_at = excluded.suspended_at",
        {"failures": failures, "since": NOW if suspended else None},
    )


def test_a_rule_that_fails_is_an_event_and_an_anomaly_and_so_is_its_suspension_and_its_end(
    settings: Settings, engine: Engine, connection: psycopg.Connection, database_url: str, redis_url: str
) -> None:
    install_builtin_rules(engine)
    save_rule(database_url, RULE)
    fail(connection)

    assert look(settings, engine) == ["rule_failed mine failing"]
    assert look(settings, engine) == []
    fail(connection, 5, suspended=True)
    assert look(settings, engine) == ["rule_failed mine suspended"]
    connection.execute("delete from eventpulse.rule_progress")
    assert look(settings, engine, NOW + OVER_AFTER) == ["rule_failed mine ended"]

    events = own_events(database_url, redis_url)
    assert [(event_type, payload["state"]) for event_type, payload in events] == [
        ("eventpulse.rule_failed", "failing"),
        ("eventpulse.rule_failed", "suspended"),
        ("eventpulse.rule_failed", "ended"),
    ]
    assert events[0][1]["rule"] == "mine" and events[0][1]["why"] == "it divides by zero"
    found = connection.execute(
        "select message from eventpulse.anomalies where rule_id in"
        " (select rule_id from eventpulse.rules where name = 'eventpulse-rule-failed') order by occurred_at, message"
    ).fetchall()
    assert found == [('The rule "mine" is failing',), ('The rule "mine" is suspended',)]


def test_what_was_being_said_when_the_process_died_is_said_once(
    settings: Settings,
    engine: Engine,
    connection: psycopg.Connection,
    database_url: str,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save_rule(database_url, {**RULE, "enabled": True})
    fail(connection)
    notice(settings, engine, NOW)
    with monkeypatch.context() as patch, open_redis(redis_url) as client, pytest.raises(PowerCut):
        patch.setattr("sensors.self_watch.note_told", _cut)
        tell(engine, client)

    assert look(settings, engine) == ["rule_failed mine failing"]
    assert [event_type for event_type, _ in own_events(database_url, redis_url)] == ["eventpulse.rule_failed"]


def _cut(*arguments: object) -> None:
    raise PowerCut


def test_new_dead_letters_are_counted_and_those_of_events_about_itself_are_not_spoken_of(
    settings: Settings, engine: Engine, database_url: str, redis_url: str
) -> None:
    publish_lines(redis_url, [[b"no event", b"nor this"], [b'{"event_type":"eventpulse.lag"}']])
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()

    told = look(settings, engine)
    assert len(told) == 1 and told[0].startswith("dead_letters")
    assert look(settings, engine) == []
    publish_lines(redis_url, [[b'{"event_type":"eventpulse.dead_letters"}']])
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
    assert look(settings, engine) == []

    [(event_type, payload)] = own_events(database_url, redis_url)
    assert (event_type, payload["new"], payload["by_cause"], payload["open"]) == (
        "eventpulse.dead_letters",
        2,
        {"unreadable": 2},
        3,
    )


def test_a_channel_that_takes_nothing_is_dead_until_it_does(
    settings: Settings, engine: Engine, connection: psycopg.Connection
) -> None:
    connection.execute(
        "insert into eventpulse.channels (channel_id, name, enabled, kind, shown_url, url, plan, failures, last_error)"
        " values (gen_random_uuid(), 'chat', true, 'apprise', 'slack://***', 'x', '{}', 5, 'it answered 500')"
    )
    assert look(settings, engine) == ["channel_dead chat dead"]
    connection.execute("update eventpulse.channels set failures = 0")
    assert look(settings, engine, NOW + OVER_AFTER) == ["channel_dead chat ended"]


def test_a_drain_that_stays_away_and_what_waits_meanwhile_are_said(
    settings: Settings, engine: Engine, connection: psycopg.Connection, redis_url: str
) -> None:
    publish(redis_url, [{"event_id": "00000000-0000-0000-0000-000000000001", "timestamp": "2026-01-01T00:00:00Z"}])
    with open_redis(redis_url) as client:
        [(_, fields)] = client.xrange(EVENTS_STREAM)
        client.delete(EVENTS_STREAM)
        client.xadd(EVENTS_STREAM, fields, id="1000-0")

    assert look(settings, engine) == ["lag behind"]
    assert look(settings, engine, NOW + timedelta(seconds=61)) == []

    told = connection.execute("select kind, state from eventpulse.troubles order by kind").fetchall()
    assert told == [("drain_missing", "missing"), ("lag", "behind")]


def test_an_event_that_is_missing_unbalances_the_ledger(settings: Settings, engine: Engine, redis_url: str) -> None:
    database_url = settings.database_url.get_secret_value()  # type: ignore[union-attr]
    event = {"event_id": "00000000-0000-0000-0000-000000000001", "timestamp": "2026-01-01T00:00:00Z"}
    publish(redis_url, [event])
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
    publish(redis_url, [{**event, "event_id": f"00000000-0000-0000-0000-00000000000{n}"} for n in (2, 3)], an_entry=1)
    with open_redis(redis_url) as client:
        client.xtrim(EVENTS_STREAM, maxlen=1, approximate=False)

    assert look(settings, engine) == []
    assert look(settings, engine, NOW + timedelta(seconds=30)) == ["ledger_unbalanced 1 missing, 0 uncounted"]
    assert look(settings, engine, NOW + timedelta(seconds=60)) == []


def test_telling_makes_no_trouble_of_its_own(
    settings: Settings, engine: Engine, connection: psycopg.Connection, database_url: str, redis_url: str
) -> None:
    install_builtin_rules(engine)
    save_rule(database_url, RULE)
    fail(connection, 5, suspended=True)
    look(settings, engine)
    for number in range(1, 6):
        assert len(own_events(database_url, redis_url)) == 1
        assert look(settings, engine, NOW + number * timedelta(seconds=30)) == []


def test_the_sensor_says_what_it_told_and_skips_where_a_server_is_away(
    settings: Settings, connection: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_rule(database_url, RULE)
    fail(connection)
    with dg.instance_for_test() as instance:
        context = dg.build_sensor_context(instance, sensor_name="self_watch")
        told = self_watch(context)
        monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
        away = self_watch(context)

    assert isinstance(told, dg.SkipReason) and told.skip_message == "Told: rule_failed mine failing."
    assert isinstance(away, dg.SkipReason) and str(away.skip_message).startswith("A server is away")
