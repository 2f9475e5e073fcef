"""Backfills and live detection work on the same anomalies, and neither confuses the other."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from pipelines.history import reevaluate as module
from rules.kinds import KINDS
from tests.draining import a_drain, publish, save_rule
from tests.reevaluating import counts, forget_anomalies, reevaluate, standing

START = datetime(2026, 1, 31, 23, 50, tzinfo=UTC)
FIELD = {"metric": "sum", "field": "payload.v"}
CONDITIONS: dict[str, dict[str, Any]] = {
    "match": {"filters": {"where": "payload.v > 7"}},
    "threshold": {"metric": "count", "operator": ">", "value": 4},
    "change": {**FIELD, "operator": ">", "value": 1.5},
    "absence": {"remember_seconds": 600},
    "deviation": {"bucket_seconds": 60, "baseline_buckets": 3, "value": 1.5},
    "new_value": {"field": "payload.v", "lookback_seconds": 120, "learn_seconds": 60},
    "transition": {"field": "payload.v"},
}
SPANS = [
    {"cooldown_seconds": 0, "group_by": []},
    {"cooldown_seconds": 90, "group_by": ["payload.ip"]},
    {"cooldown_seconds": 45, "group_by": ["source"], "for_seconds": 5, "keep_firing_seconds": 20},
]


def events(seed: int, count: int) -> list[dict[str, Any]]:
    """Twenty minutes across midnight, in no order."""
    dice = random.Random(seed)
    listed = [
        {
            "event_id": str(UUID(int=dice.getrandbits(128))),
            "timestamp": (START + timedelta(seconds=dice.randrange(1200))).isoformat(),
            "source": dice.choice(["web", "db"]),
            "payload": {"v": dice.choice([1, 2.5, 8, 9, "a", None]), "ip": dice.choice(["p", "q", "r"])},
        }
        for _ in range(count)
    ]
    dice.shuffle(listed)
    return listed


def save_every_kind(database_url: str) -> None:
    for kind in set(CONDITIONS) & set(KINDS):
        for number, spans in enumerate(SPANS):
            rule = {"name": f"{kind} {number}", "severity": "info", "window_seconds": 30, **spans}
            save_rule(database_url, {**rule, "condition": {"type": kind, **CONDITIONS[kind]}})


def without_positions(anomalies: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Positions follow the clock of the stream, so two streams of the same events have others."""
    return [(*each[:6], *each[7:]) for each in anomalies]


@pytest.mark.parametrize("seed", [1, 2])
def test_every_kind_of_rule_has_the_same_anomalies_backfilled_as_live_in_any_order_of_arrival(
    database_url: str, redis_url: str, seed: int
) -> None:
    save_every_kind(database_url)
    publish(redis_url, events(seed, 400), an_entry=25)
    with a_drain(database_url, redis_url, batch_events=60) as drain:
        drain.run_until_empty()
        live = standing(drain.connection)
        assert len(live) > 100
        assert counts(reevaluate(drain.connection, slice_events=50)) == (0, 0, 0)

        forget_anomalies(drain.connection)
        found = reevaluate(drain.connection, slice_events=50)

        assert standing(drain.connection) == live
        assert len(found) > 4


@pytest.mark.parametrize("forgotten", ["occurred_at < '2026-02-01'", "occurred_at >= '2026-02-01'", "true"])
def test_live_detection_goes_on_from_what_a_backfill_left(database_url: str, redis_url: str, forgotten: str) -> None:
    save_every_kind(database_url)
    listed = sorted(events(3, 400), key=lambda event: event["timestamp"])
    with a_drain(database_url, redis_url) as whole:
        publish(redis_url, listed, an_entry=25)
        whole.run_until_empty()
        expected = without_positions(standing(whole.connection))
        whole.connection.execute(
            "truncate eventpulse.events, eventpulse.event_ids, eventpulse.anomalies, eventpulse.event_rollups"
        )
        whole.connection.execute("truncate eventpulse.rule_progress, eventpulse.batches")

    with a_drain(database_url, redis_url) as drain:
        publish(redis_url, listed[:300], an_entry=25)
        drain.run_until_empty()
        forget_anomalies(drain.connection, forgotten)
        reevaluate(drain.connection)
        publish(redis_url, listed[300:], an_entry=25)
        drain.run_until_empty()

        assert without_positions(standing(drain.connection)) == expected


def test_events_that_arrive_in_a_slice_make_it_be_evaluated_again(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_every_kind(database_url)
    listed = events(4, 300)
    late = iter([listed[200:250], listed[250:]])
    with a_drain(database_url, redis_url) as drain, a_drain(database_url, redis_url) as other:
        publish(redis_url, listed[:200])
        drain.run_until_empty()
        expected_calls, read = [], module.events_in

        def events_and_more(*asked: Any) -> Any:
            found = read(*asked)
            expected_calls.append(1)
            if more := next(late, None):
                publish(redis_url, more)
                drain.run_until_empty()
            return found

        forget_anomalies(drain.connection)
        monkeypatch.setattr(module, "events_in", events_and_more)
        reevaluate(other.connection)
        monkeypatch.undo()

        assert len(expected_calls) == 3
        assert counts(reevaluate(other.connection)) == (0, 0, 0)


def test_an_evaluation_that_is_overtaken_again_and_again_holds_storing_back_once(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_every_kind(database_url)
    publish(redis_url, events(5, 200))
    with a_drain(database_url, redis_url) as drain, a_drain(database_url, redis_url) as other:
        drain.run_until_empty()
        live = standing(drain.connection)
        forget_anomalies(drain.connection)
        asked = []
        monkeypatch.setattr(module, "arrived_since", lambda *about: asked.append(about) or True)

        reevaluate(other.connection)

        assert len(asked) == module.ATTEMPTS
        assert standing(drain.connection) == live


def test_a_chain_of_cooldowns_is_followed_beyond_the_end_until_it_meets_what_stands(
    database_url: str, redis_url: str
) -> None:
    save_rule(
        database_url,
        {
            "name": "often",
            "severity": "info",
            "window_seconds": 30,
            "cooldown_seconds": 90,
            "condition": {"type": "match"},
        },
    )
    first, *later = [
        {"event_id": str(UUID(int=minute + 1)), "timestamp": (START + timedelta(minutes=minute)).isoformat()}
        for minute in [*range(1, 40), *range(60, 80)]
    ]
    publish(redis_url, [*later, first], an_entry=10)
    with a_drain(database_url, redis_url, batch_events=10, correct=timedelta(0)) as drain:
        drain.run_until_empty()
        assert drain.tally.anomalies == 29  # of minute 2, 4, 6 …, since the event of minute 1 came too late

        found = reevaluate(drain.connection, START, START + timedelta(minutes=10))

        assert not found[0].beyond
        assert START + timedelta(minutes=40) < found[-1].end < START + timedelta(minutes=79)
        assert drain.connection.execute(
            "select array_agg(extract(minute from occurred_at)::int order by occurred_at) from eventpulse.anomalies"
            " where state = 'current' and occurred_at < '2026-02-01 00:30'"
        ).fetchone() == ([minute % 60 for minute in range(51, 90, 2)],)
        assert counts(reevaluate(drain.connection)) == (0, 0, 0)
