"""A late event corrects what was found, up to a limit; beyond it, it is stored, counted once, and corrects nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from pipelines.live import recall
from rules.micro_batches import memory
from tests.draining import a_drain, current_anomalies, publish, save_rule

START = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
CORRECT = timedelta(hours=1)
COUNT = {"type": "threshold", "metric": "count", "operator": ">", "value": 2}
RULE = {"severity": "info", "window_seconds": 60, "condition": COUNT}


def event(number: int, at: timedelta, **changes: Any) -> dict[str, Any]:
    event_id = f"00000000-0000-4000-8000-{number:012}"
    return {"event_id": event_id, "timestamp": (START + at).isoformat(), **changes}


@pytest.fixture
def drain(database_url: str, redis_url: str) -> Any:
    save_rule(database_url, {**RULE, "name": "many"})
    with a_drain(database_url, redis_url, correct=CORRECT) as drain:
        yield drain


def take(drain: Any, redis_url: str, *events: dict[str, Any]) -> None:
    publish(redis_url, events)
    drain.run_until_empty()


def two_and_much_later(drain: Any, redis_url: str) -> None:
    second = timedelta(seconds=1)
    take(drain, redis_url, event(1, 0 * second), event(2, 10 * second), event(3, CORRECT))


def found(drain: Any) -> list[tuple[Any, ...]]:
    query = "select occurred_at, origin from eventpulse.anomalies where state = 'current' order by 1"
    return drain.connection.execute(query).fetchall()  # type: ignore[no-any-return]


def too_late(drain: Any) -> tuple[int, int]:
    """What the micro-batches and the days of the ledger say, which is the same."""
    by_batch = drain.connection.execute("select sum(too_late) from eventpulse.batches").fetchone()[0]
    by_day = drain.connection.execute("select sum(too_late) from eventpulse.ledger_days").fetchone()[0]
    return int(by_batch), int(by_day)


def test_a_late_event_makes_true_what_it_should_have_made_true(drain: Any, redis_url: str) -> None:
    two_and_much_later(drain, redis_url)
    assert found(drain) == []

    take(drain, redis_url, event(4, timedelta(seconds=5)))

    assert found(drain) == [(START + timedelta(seconds=10), "late")]
    assert too_late(drain) == (0, 0)


def test_the_limit_itself_is_in_time_and_a_microsecond_more_is_too_late(drain: Any, redis_url: str) -> None:
    two_and_much_later(drain, redis_url)
    take(drain, redis_url, event(4, timedelta(0)))
    assert too_late(drain) == (0, 0)
    assert len(found(drain)) == 1

    take(drain, redis_url, event(5, timedelta(microseconds=-1)), event(6, timedelta(microseconds=-1)))
    assert too_late(drain) == (2, 2)
    assert len(found(drain)) == 1


def test_an_event_too_late_for_several_rules_counts_once(drain: Any, redis_url: str, database_url: str) -> None:
    for name in ("second", "third"):
        save_rule(database_url, {**RULE, "name": name})
    two_and_much_later(drain, redis_url)
    take(drain, redis_url, event(4, timedelta(seconds=-1)))

    assert too_late(drain) == (1, 1)


def test_lateness_is_about_the_events_that_a_rule_looks_at(drain: Any, redis_url: str, database_url: str) -> None:
    """Somebody else's clock that runs ahead makes nobody late who is judged by another rule."""
    drain.connection.execute("delete from eventpulse.rules")
    for source in ("a", "b"):
        condition = {**COUNT, "filters": {"source": source}}
        save_rule(database_url, {**RULE, "name": source, "condition": condition})
    ahead = event(1, 2 * CORRECT, source="a")
    on_time = [event(number, timedelta(seconds=number), source="b") for number in (2, 3, 4)]
    take(drain, redis_url, ahead, *on_time)

    assert too_late(drain) == (0, 0)
    assert [row[0] for row in current_anomalies(drain.connection)] == ["b"]


@pytest.mark.parametrize("an_entry", [1, 2, 100])
def test_who_is_too_late_does_not_depend_on_the_cut_of_batches(
    database_url: str, redis_url: str, an_entry: int
) -> None:
    save_rule(database_url, {**RULE, "name": "many"})
    minutes = (0, 70, 5, 71, 10, 11, 140, 80, 79)
    events = [event(number, timedelta(minutes=at)) for number, at in enumerate(minutes)]
    publish(redis_url, events, an_entry=an_entry)
    with a_drain(database_url, redis_url, correct=CORRECT, batch_events=an_entry) as drain:
        drain.drain.finish_what_was_left()
        while drain.drain.step():
            pass
        assert too_late(drain) == (3, 3)  # 5 and 10 after 71, 79 after 140; 11 and 80 are just in time


def test_what_came_too_late_is_stored_and_shown(api: TestClient, drain: Any, redis_url: str) -> None:
    two_and_much_later(drain, redis_url)
    take(drain, redis_url, event(4, timedelta(seconds=-1)))

    assert api.get("events/" + event(4, timedelta(0))["event_id"]).status_code == 200
    assert api.get("batches").json()["data"][0]["too_late"] == 1
    ledger = api.get("ledger").json()
    assert (ledger["balance"]["too_late"], sum(day["too_late"] for day in ledger["data"])) == (1, 1)


LOOKING_BACK_FOR_EVER = {
    "deviation": {"metric": "count", "bucket_seconds": 60, "baseline_buckets": 5},
    "new_value": {"field": "payload.version", "lookback_seconds": 36_000},
    "transition": {"field": "payload.version"},
}


@pytest.mark.parametrize("group_by", [[], ["source"]], ids=["one group", "groups"])
@pytest.mark.parametrize("kind", LOOKING_BACK_FOR_EVER)
def test_a_late_event_lets_nobody_read_all_of_history(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch, kind: str, group_by: list[str]
) -> None:
    condition = {"type": kind, **LOOKING_BACK_FOR_EVER[kind]}
    rule = {"name": "old", "severity": "info", "window_seconds": 60, "group_by": group_by, "condition": condition}
    save_rule(database_url, rule)
    monkeypatch.setattr(memory, "_FEWEST_ROWS_TO_TRIM", 0)
    read, real, hour = 0, recall.stored_events, timedelta(hours=1)

    def counted(*of: Any) -> Any:
        nonlocal read
        events = real(*of)
        read += events.height
        return events

    with a_drain(database_url, redis_url) as drain:
        publish(redis_url, [event(number, number * hour, payload={"version": 1}) for number in range(500)])
        drain.run_until_empty()
        monkeypatch.setattr(recall, "stored_events", counted)
        publish(redis_url, [event(1_000, 490.5 * hour, payload={"version": 2})])
        drain.run_until_empty()
        if kind != "deviation":
            assert found(drain)[0] == (START + 490.5 * hour, "late")

    assert 0 < read < 40
