"""Dagster turns red when an accepted event is missing, and is not told the same thing again and again."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from assets.asset_checks import every_event_is_accounted_for
from eventpulse.stream.connect import open_redis
from eventpulse.stream.keys import EVENTS_STREAM
from sensors.ledger_watch import TOLD_EVERY, Told, is_news, ledger_watch, read_told
from tests.draining import a_drain, a_line, publish_lines


@pytest.fixture(autouse=True)
def servers(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)


def line(number: int) -> bytes:
    at = datetime(2026, 1, 31, tzinfo=UTC).isoformat()
    return a_line({"event_id": f"00000000-0000-4000-8000-{number:012}", "timestamp": at})


def lose_an_event(database_url: str, redis_url: str) -> None:
    publish_lines(redis_url, [[line(1)]])
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
    publish_lines(redis_url, [[line(2)], [line(3)]])
    with open_redis(redis_url) as client:
        client.xtrim(EVENTS_STREAM, maxlen=1, approximate=False)


def test_the_check_is_green_and_says_the_equation(redis_url: str) -> None:
    publish_lines(redis_url, [[line(1), line(2)]])
    result = every_event_is_accounted_for()
    assert isinstance(result, dg.AssetCheckResult)
    assert result.passed
    assert result.metadata["pending"].value == 2
    assert str(result.description).startswith("2 events accepted = 0 stored")


def test_the_check_is_red_when_an_event_is_missing(database_url: str, redis_url: str) -> None:
    lose_an_event(database_url, redis_url)
    result = every_event_is_accounted_for()
    assert isinstance(result, dg.AssetCheckResult)
    assert not result.passed
    assert result.severity is dg.AssetCheckSeverity.ERROR
    assert "1 MISSING" in str(result.description)


def test_the_sensor_tells_dagster_once_and_again_when_the_answer_changes(database_url: str, redis_url: str) -> None:
    with dg.instance_for_test() as instance:
        context = dg.build_sensor_context(instance, sensor_name="ledger_watch")
        first = ledger_watch(context)
        assert isinstance(first, dg.SensorResult)
        assert [event.passed for event in first.asset_events] == [True]  # type: ignore[union-attr]

        context = dg.build_sensor_context(instance, cursor=first.cursor, sensor_name="ledger_watch")
        assert isinstance(ledger_watch(context), dg.SkipReason)
        lose_an_event(database_url, redis_url)
        changed = ledger_watch(context)
        assert isinstance(changed, dg.SensorResult)
        assert [event.passed for event in changed.asset_events] == [False]  # type: ignore[union-attr]


def test_while_a_server_is_away_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert isinstance(ledger_watch(dg.build_sensor_context(sensor_name="ledger_watch")), dg.SkipReason)


def test_after_a_while_the_same_answer_is_told_again(redis_url: str) -> None:
    from assets.asset_checks import look
    from eventpulse.settings import load_settings

    balance, now = look(load_settings()), datetime.now(UTC)
    told = Told(now - TOLD_EVERY + timedelta(seconds=1), True, 0, 0)
    assert not is_news(balance, told, now)
    assert is_news(balance, told, now + timedelta(seconds=1))
    assert is_news(balance, None, now)
    assert read_told("nonsense") is None
