"""Whatever a rule does wrong, and whatever stands in an event: the rest is stored, and other rules find their own."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import polars as pl
import psycopg
import pytest

from eventpulse.database.anomalies.findings import save_anomalies
from tests.draining import a_drain, current_anomalies, publish, save_rule

START = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)


def a_rule(name: str, **changes: Any) -> dict[str, Any]:
    condition = {"type": "threshold", "metric": "count", "operator": ">", "value": 1}
    return {"name": name, "severity": "info", "window_seconds": 60, "condition": condition, **changes}


def events(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        {"event_id": str(UUID(int=number + 1)), "timestamp": (START + timedelta(seconds=number)).isoformat()}
        for number in range(first, first + count)
    ]


def refuse_anomalies_of(name: str) -> Any:
    def save(connection: psycopg.Connection, anomalies: pl.DataFrame, **where: Any) -> None:
        if anomalies["message"].str.contains(name).any():
            raise ValueError("this cannot be written")
        save_anomalies(connection, anomalies, **where)

    return save


def test_a_rule_whose_anomalies_cannot_be_written_is_failing_and_the_others_go_on(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_rule(database_url, a_rule("good"))
    save_rule(database_url, a_rule("bad", summary="bad"))
    monkeypatch.setattr("pipelines.live.store_batch.save_anomalies", refuse_anomalies_of("bad"))
    publish(redis_url, events(3))

    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()

        assert [row[0] for row in current_anomalies(drain.connection)] == ["good", "good"]
        row = drain.connection.execute("select taken, stored, rule_errors from eventpulse.batches").fetchone()
        assert row is not None
        assert row[:2] == (3, 3)
        assert list(row[2].values()) == ["ValueError: this cannot be written"]


def test_it_is_suspended_when_that_goes_on(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    save_rule(database_url, a_rule("bad", summary="bad"))
    monkeypatch.setattr("pipelines.live.store_batch.save_anomalies", refuse_anomalies_of("bad"))
    with a_drain(database_url, redis_url) as drain:
        for number in range(6):
            publish(redis_url, events(2, first=2 * number))
            drain.run_until_empty()

        row = drain.connection.execute("select failures, suspended_at is not null from eventpulse.rule_progress")
        assert row.fetchone() == (5, True)


TIMES = ["0001-01-01T00:00:00Z", "0001-01-01T00:00:30Z", "1969-12-31T23:59:59.999999Z", "2026-01-31T08:00:00Z"]
KINDS = [
    {"type": "threshold", "metric": "count", "operator": ">", "value": 0},
    {"type": "threshold", "metric": "count", "operator": "<", "value": 5},
    {"type": "match"},
    {"type": "absence"},
    {"type": "new_value", "field": "payload.a"},
    {"type": "transition", "field": "payload.a"},
    {"type": "change", "metric": "count", "compare": "ratio", "operator": ">", "value": 1},
    {
        "type": "deviation",
        "metric": "count",
        "method": "zscore",
        "value": 2,
        "bucket_seconds": 10,
        "baseline_buckets": 5,
    },
]
TEXTS = ["\\.", 'a\nb\tc"d,\\N', "'; drop table x; -- {value} %s $1", "\U0001f600\u2028\ufeff", "A" * 100_000]


@pytest.mark.parametrize(
    "kind", range(len(KINDS)), ids=[" ".join(str(v) for v in kind.values())[:30] for kind in KINDS]
)
def test_events_at_the_ends_of_time_and_with_strange_texts_are_stored_and_judged(
    database_url: str, redis_url: str, kind: int
) -> None:
    save_rule(database_url, a_rule("strange", condition=KINDS[kind], group_by=["payload.a", "source"]))
    strange = [
        {
            "event_id": str(UUID(int=number + 1)),
            "timestamp": at,
            "source": text[:255],
            "payload": {"a": text, "v": 1e308},
        }
        for number, (at, text) in enumerate((at, text) for at in TIMES for text in TEXTS)
    ]
    publish(redis_url, strange, an_entry=3)

    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
        row = drain.connection.execute(
            "select sum(taken), sum(stored), string_agg(rule_errors::text, '') ~ '[^{}]' from eventpulse.batches"
        ).fetchone()

    assert row == (20, 20, False)
