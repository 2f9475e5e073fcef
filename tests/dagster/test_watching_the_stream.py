"""Events are fresh as long as the drain keeps up, also while nothing comes; a run that failed becomes an event."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from eventpulse.database.connect import open_connection
from eventpulse.database.leadership import application_name, take_lease, wait_for_leadership
from eventpulse.stream.backlog import Backlog
from sensors.run_failures import EVENT_TYPE, run_failures
from sensors.stream_watch import TOLD_EVERY, Seen, is_news, stream_watch
from tests.draining import a_drain, publish

NOW = datetime(2026, 1, 31, tzinfo=UTC)
AN_EVENT = {"event_id": "00000000-0000-4000-8000-000000000001", "timestamp": NOW.isoformat()}


@pytest.fixture(autouse=True)
def servers(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)


@pytest.fixture
def leader(database_url: str) -> Iterator[None]:
    with open_connection(database_url, application=application_name("a-run")) as connection:
        assert wait_for_leadership(connection, 0, at_most_milliseconds=1000)
        take_lease(connection, 0, "a-run", 60)
        yield


def told(cursor: str | None = None) -> dict[str, dg.AssetMaterialization | dg.AssetObservation]:
    with dg.instance_for_test() as instance:
        result = stream_watch(dg.build_sensor_context(instance, cursor=cursor, sensor_name="stream_watch"))
    if isinstance(result, dg.SkipReason):
        return {}
    assert isinstance(result, dg.SensorResult)
    return {event.asset_key.to_user_string(): event for event in result.asset_events}  # type: ignore[misc, union-attr]


def test_while_a_drain_leads_and_nothing_waits_events_are_up_to_date(leader: None) -> None:
    found = told()
    assert found["events"].metadata["origin"].value == "heartbeat"
    assert found["event_stream"].metadata["leading_run"].value == "a-run"


def test_while_nobody_drains_events_grow_stale_and_what_waits_is_seen(redis_url: str) -> None:
    publish(redis_url, [AN_EVENT])
    found = told()
    assert found.keys() == {"event_stream"}
    assert found["event_stream"].metadata["entries_waiting"].value == 1
    assert found["event_stream"].description == "Nobody drains; 1 entries wait."


def test_dagster_is_told_now_and_then_and_at_once_when_it_changes() -> None:
    keeping_up = Seen(Backlog(0, 0, None), "a-run", NOW)
    behind = Seen(Backlog(9, 9, 61.0), "a-run", NOW)
    a_moment_ago = f"{(NOW - TOLD_EVERY + timedelta(seconds=1)).isoformat()} 1"
    assert is_news(keeping_up, None)
    assert not is_news(keeping_up, a_moment_ago)
    assert is_news(behind, a_moment_ago)
    assert is_news(keeping_up, f"{(NOW - TOLD_EVERY).isoformat()} 1")


def test_while_a_server_is_away_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert told() == {}


def test_a_run_that_failed_becomes_one_event_however_often_it_is_told(database_url: str, redis_url: str) -> None:
    @dg.op
    def breaks() -> None:
        raise dg.Failure("The disk is full.")

    @dg.job(executor_def=dg.in_process_executor)
    def some_job() -> None:
        breaks()

    with dg.instance_for_test() as instance:
        result = some_job.execute_in_process(instance=instance, raise_on_error=False)
        context = dg.build_run_status_sensor_context(
            "run_failures",
            dagster_instance=instance,
            dagster_event=result.get_run_failure_event(),
            dagster_run=result.dagster_run,
        ).for_run_failure()
        run_failures(context)
        run_failures(context)
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
        rows = drain.connection.execute(
            "select source, payload ->> 'job', payload ->> 'run_id' from eventpulse.events where event_type = %s",
            (EVENT_TYPE,),
        ).fetchall()
    assert rows == [("eventpulse", "some_job", result.run_id)]
