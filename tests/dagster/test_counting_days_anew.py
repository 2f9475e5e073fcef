"""Materialising a day of the rollups counts its events anew; what drain runs told of it is told once a run."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import dagster as dg
import pytest

from assets.event_rollups import event_rollups
from pipelines import jobs
from pipelines.jobs import drain_stream
from tests.draining import a_drain, publish

START = datetime(2026, 1, 30, 23, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def two_days(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event a minute, thirty on the first day and thirty on the second."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    minutes = [START + timedelta(minutes=number) for number in range(60)]
    publish(
        redis_url, [{"event_id": str(UUID(int=n + 1)), "timestamp": at.isoformat()} for n, at in enumerate(minutes)]
    )


def recount(day: str) -> dict[str, Any]:
    with dg.instance_for_test() as instance:
        result = dg.materialize([event_rollups], instance=instance, partition_key=day)
        [told] = result.get_asset_materialization_events()
    return {name: told.materialization.metadata[name].value for name in ("dagster/row_count", "events", "corrected")}


def test_counts_that_are_right_stay_and_wrong_ones_are_corrected(database_url: str, redis_url: str) -> None:
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
        right = {"dagster/row_count": 30, "events": 30, "corrected": 0}
        assert recount("2026-01-31") == right

        change = drain.connection.execute
        change("update eventpulse.event_rollups set count = 9 where minute = '2026-01-31 00:05Z'")
        change("delete from eventpulse.event_rollups where minute = '2026-01-31 00:06Z'")
        change("insert into eventpulse.event_rollups values ('2026-01-31 12:00Z', 'never', 'tests', 4)")
        change("update eventpulse.event_rollups set count = 7 where minute = '2026-01-30 23:40Z'")

        assert recount("2026-01-31") == {**right, "corrected": 3}
        assert recount("2026-01-31") == right
        counts = change("select count, count(*) from eventpulse.event_rollups group by 1 order by 1").fetchall()
        assert counts == [(1, 59), (7, 1)]  # the other day has not been asked for


def test_a_drain_run_tells_of_each_day_it_counted(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "told_to_end", lambda: lambda: _stored(database_url) == 60)
    with dg.instance_for_test() as instance:
        result = drain_stream.execute_in_process(instance=instance)
        told = [event.materialization for event in result.get_asset_materialization_events()]
    found = {
        asset: {each.partition: each.metadata["origin"].value for each in told if each.asset_key == dg.AssetKey(asset)}
        for asset in ("events", "event_rollups", "anomalies")
    }
    both_days = {"2026-01-30": "live", "2026-01-31": "live"}
    assert found == {"events": both_days, "event_rollups": both_days, "anomalies": both_days}
    assert [each.metadata["events"].value for each in told if each.asset_key == dg.AssetKey("event_rollups")] == [
        30,
        30,
    ]


def _stored(database_url: str) -> int:
    import psycopg

    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        row = connection.execute("select count(*) from eventpulse.events").fetchone()
    assert row is not None
    return int(row[0])
