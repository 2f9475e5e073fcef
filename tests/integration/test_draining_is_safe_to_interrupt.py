"""Whatever point a drain dies at, its successor neither loses nor repeats an event, an anomaly or a count."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from eventpulse.stream.connect import open_redis
from eventpulse.stream.keys import EVENTS_GROUP, EVENTS_STREAM
from tests.draining import PowerCut, a_drain, current_anomalies, publish, publish_lines, save_rule

START = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
RULE = {
    "name": "many",
    "severity": "info",
    "window_seconds": 60,
    "condition": {"type": "threshold", "metric": "count", "operator": ">", "value": 5},
}


def events(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        {"event_id": str(UUID(int=number + 1)), "timestamp": (START + timedelta(seconds=number)).isoformat()}
        for number in range(first, first + count)
    ]


def totals(connection: psycopg.Connection) -> tuple[int, ...]:
    row = connection.execute(
        "select sum(taken), sum(stored), sum(duplicates), sum(dead_lettered) from eventpulse.batches"
    ).fetchone()
    assert row is not None
    return tuple(int(number) for number in row)


def stored(connection: psycopg.Connection) -> int:
    row = connection.execute("select count(*) from eventpulse.events").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("point", ["tell", "acknowledge"])
def test_a_drain_that_dies_between_commit_and_acknowledgement_is_not_repeated(
    database_url: str, redis_url: str, point: str
) -> None:
    save_rule(database_url, RULE)
    publish(redis_url, events(10), an_entry=5)
    with a_drain(database_url, redis_url, cut_before=point) as dying, pytest.raises(PowerCut):
        dying.run_until_empty()

    publish(redis_url, events(10, first=10), an_entry=5)
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()

        assert totals(drain.connection) == (20, 20, 0, 0)
        assert len(current_anomalies(drain.connection)) == 15
        assert drain.client.xlen(EVENTS_STREAM) == 0


def test_a_drain_that_dies_before_the_commit_leaves_everything_to_its_successor(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_rule(database_url, RULE)
    publish(redis_url, events(10), an_entry=5)
    with a_drain(database_url, redis_url) as dying:
        monkeypatch.setattr("pipelines.live.store_batch.write", cut)
        with pytest.raises(PowerCut):
            dying.run_until_empty()
        assert stored(dying.connection) == 0
        monkeypatch.undo()

    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()

        assert totals(drain.connection) == (10, 10, 0, 0)
        assert len(current_anomalies(drain.connection)) == 5


def cut(*anything: object) -> None:
    raise PowerCut


def test_an_event_that_is_sent_twice_counts_once(database_url: str, redis_url: str) -> None:
    save_rule(database_url, RULE)
    later = [{**event, "timestamp": (START + timedelta(days=3)).isoformat()} for event in events(2)]
    publish(redis_url, [*events(6), *events(6), *later], an_entry=4)

    with a_drain(database_url, redis_url, batch_events=8) as drain:
        drain.run_until_empty()

        assert totals(drain.connection) == (14, 6, 8, 0)
        assert stored(drain.connection) == 6
        assert len(current_anomalies(drain.connection)) == 1


def test_what_other_consumers_left_is_taken_over_before_anything_new(database_url: str, redis_url: str) -> None:
    publish(redis_url, events(4), an_entry=2)
    with open_redis(redis_url) as client:
        client.xgroup_create(EVENTS_STREAM, EVENTS_GROUP, id="0")
        client.xreadgroup(EVENTS_GROUP, "somebody-else", {EVENTS_STREAM: ">"})
    publish(redis_url, events(2, first=4))

    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()

        assert totals(drain.connection) == (6, 6, 0, 0)
        assert drain.client.xpending(EVENTS_STREAM, EVENTS_GROUP)["pending"] == 0


def test_a_line_that_is_no_event_is_set_aside_and_its_neighbours_are_stored(database_url: str, redis_url: str) -> None:
    from tests.draining import a_line

    good = [a_line(event) for event in events(3)]
    refused = a_line({**events(1, first=9)[0], "source": "a\0b"})
    publish_lines(redis_url, [[good[0], b"not json", good[1]], [refused, good[2], b'{"event_id": 1}']])

    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()

        assert totals(drain.connection) == (6, 3, 0, 3)
        letters = drain.connection.execute("select raw, reason from eventpulse.dead_letters order by entry, line")
        assert [(bytes(raw), bool(reason)) for raw, reason in letters.fetchall()] == [
            (b"not json", True),
            (refused, True),
            (b'{"event_id": 1}', True),
        ]


def test_a_rule_takes_effect_while_the_drain_runs_and_knows_what_was_stored_before_it(
    database_url: str, redis_url: str
) -> None:
    publish(redis_url, events(5))
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
        save_rule(database_url, RULE)
        publish(redis_url, events(1, first=5))
        drain.run_until_empty()

        assert [row[4] for row in current_anomalies(drain.connection)] == [6.0]

        save_rule(database_url, {**RULE, "enabled": False})
        publish(redis_url, events(1, first=6))
        drain.run_until_empty()

        assert len(current_anomalies(drain.connection)) == 1


def test_a_successor_that_stood_by_knows_what_the_leader_saw(database_url: str, redis_url: str) -> None:
    save_rule(database_url, {**RULE, "cooldown_seconds": 30})
    publish(redis_url, events(2))
    with a_drain(database_url, redis_url) as leader, a_drain(database_url, redis_url) as standby:
        leader.run_until_empty()
        publish(redis_url, events(5, first=2))
        leader.run_until_empty()
        standby.detector.follow()
        publish(redis_url, events(40, first=7))
        standby.run_until_empty()

        at = [int((row[2] - START).total_seconds()) for row in current_anomalies(standby.connection)]
        assert at == [5, 35]
