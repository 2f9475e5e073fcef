"""The ledger of coverage says which stretches of history each rule has evaluated, whoever did it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from eventpulse.database.anomalies.coverage import evaluated_on, uncover
from pipelines.history.reevaluate import meanings
from pipelines.read_rules import read_rules
from tests.draining import a_drain, publish, save_rule
from tests.reevaluating import reevaluate

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
DAY = date(2026, 1, 31)
WHOLE_DAY = [(datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))]


def a_rule(name: str, **more: Any) -> dict[str, Any]:
    condition = {"type": "threshold", "metric": "count", "operator": ">", "value": 2}
    return {"name": name, "severity": "info", "window_seconds": 60, "condition": condition, **more}


def an_event(number: int, at: datetime) -> dict[str, Any]:
    return {"event_id": str(UUID(int=number)), "timestamp": at.isoformat()}


def covered(connection: psycopg.Connection, name: str) -> list[tuple[datetime, datetime]]:
    rules, _ = read_rules(connection)
    rule = next(rule for rule in rules if rule.name == name)
    found = evaluated_on(connection, meanings([rule]), DAY, DAY)
    return [(part.start, part.end) for part in found.get((rule.rule_id, DAY), [])]


def test_a_day_whose_events_all_came_after_the_rule_is_covered_by_live_detection(
    database_url: str, redis_url: str
) -> None:
    save_rule(database_url, a_rule("first"))
    publish(redis_url, [an_event(1, NOON)])
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
        assert covered(drain.connection, "first") == WHOLE_DAY


def test_what_was_stored_before_a_rule_came_is_a_gap_until_a_backfill_closes_it(
    database_url: str, redis_url: str
) -> None:
    save_rule(database_url, a_rule("first"))
    publish(redis_url, [an_event(1, NOON)])
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
        save_rule(database_url, a_rule("second"))
        assert covered(drain.connection, "second") == []

        publish(redis_url, [an_event(2, NOON + timedelta(hours=1))])
        drain.run_until_empty()
        assert covered(drain.connection, "second") == [(NOON + timedelta(minutes=1), WHOLE_DAY[0][1])]

        reevaluate(drain.connection, *WHOLE_DAY[0], names=["second"])
        assert covered(drain.connection, "second") == WHOLE_DAY


def test_another_meaning_of_a_rule_has_evaluated_nothing_yet(database_url: str, redis_url: str) -> None:
    save_rule(database_url, a_rule("first"))
    publish(redis_url, [an_event(1, NOON)])
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
        save_rule(database_url, a_rule("first", window_seconds=120))
        assert covered(drain.connection, "first") == []


def test_a_rule_that_was_switched_off_for_an_hour_has_a_gap_of_that_hour(database_url: str, redis_url: str) -> None:
    now = [NOON]
    save_rule(database_url, a_rule("first"))
    with a_drain(database_url, redis_url, clock=lambda: now[0] + timedelta(seconds=10)) as drain:
        for number, enabled in enumerate([True, False, True], start=1):
            save_rule(database_url, a_rule("first", enabled=enabled))
            now[0] = NOON + timedelta(hours=number)
            publish(redis_url, [an_event(number, now[0])])
            drain.run_until_empty()

        last = NOON + timedelta(hours=3)
        first_part, second_part = covered(drain.connection, "first")
        assert first_part == (WHOLE_DAY[0][0], NOON + timedelta(hours=1))
        assert second_part == (NOON + timedelta(hours=2, minutes=1), last)


def test_events_put_in_behind_live_detection_make_a_gap(database_url: str, redis_url: str) -> None:
    save_rule(database_url, a_rule("first"))
    publish(redis_url, [an_event(1, NOON)])
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
        with drain.connection.transaction():
            uncover(drain.connection, DAY, NOON, NOON + timedelta(hours=1))
        first_part, second_part = covered(drain.connection, "first")
        assert first_part == (WHOLE_DAY[0][0], NOON)
        assert second_part[0] > NOON + timedelta(hours=1)
