"""Days that are chosen in Dagster are evaluated again, and a drain run that is executed again changes nothing."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import dagster as dg
import pytest

from assets.anomalies import anomalies
from pipelines import jobs
from pipelines.history.backfill import Backfill, Piece
from pipelines.history.reevaluate import Passed, Reevaluation
from pipelines.jobs import drain_stream
from tests.draining import SteppedDrain, a_drain, publish, save_rule
from tests.reevaluating import forget_anomalies, standing

START = datetime(2026, 1, 29, 23, tzinfo=UTC)
RULE = {
    "name": "many",
    "severity": "info",
    "window_seconds": 3600,
    "condition": {"type": "threshold", "metric": "count", "operator": ">", "value": 2},
}


class PowerCut(Exception):
    """What nobody expects."""


def an_event(number: int, at: datetime) -> dict[str, Any]:
    return {"event_id": str(UUID(int=number + 1)), "timestamp": at.isoformat()}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


@pytest.fixture
def drained(monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str) -> Iterator[SteppedDrain]:
    """A rule, and events on four days that a drain run "first" has taken."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    save_rule(database_url, RULE)
    publish(redis_url, [an_event(number, START + timedelta(minutes=15 * number)) for number in range(240)])
    with a_drain(database_url, redis_url, batch_events=60) as drain:
        drain.run_until_empty()
        yield drain


def materialise(instance: dg.DagsterInstance, first: str, last: str, **options: Any) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [anomalies],
        instance=instance,
        tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
        run_config={"ops": {"anomalies": {"config": options}}},
    )


def test_chosen_days_are_evaluated_again_and_say_what_stands(drained: SteppedDrain, instance: Any) -> None:
    live = standing(drained.connection)
    forget_anomalies(drained.connection, "occurred_at >= '2026-01-30' and occurred_at < '2026-02-01'")

    result = materialise(instance, "2026-01-30", "2026-01-31")

    assert standing(drained.connection) == live
    told = [event.materialization for event in result.get_asset_materialization_events()]
    reported = {each.partition: each.metadata for each in told if each.asset_key == anomalies.key}
    assert reported.keys() == {"2026-01-30", "2026-01-31"}
    assert [reported[day]["dagster/row_count"].value for day in sorted(reported)] == [96, 96]
    assert [reported[day]["found"].value for day in sorted(reported)] == [96, 96]


def test_what_is_told_of_a_day_hides_no_link_of_its_asset(drained: SteppedDrain, instance: Any) -> None:
    result = materialise(instance, "2026-01-30", "2026-01-30")
    [told] = [each.materialization for each in result.get_asset_materialization_events()]
    assert not told.metadata.keys() & next(iter(anomalies.specs)).metadata.keys()


def test_a_run_that_is_cut_off_has_told_which_days_are_done(
    drained: SteppedDrain, instance: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_run = Backfill.run

    def cut_off(work: Backfill, pieces: Sequence[Piece]) -> Iterator[Passed]:
        for passed in whole_run(work, pieces):
            if passed.end > datetime(2026, 1, 31, 12, tzinfo=UTC):
                raise PowerCut
            yield passed

    monkeypatch.setattr("pipelines.history.backfill.Reevaluation", partial(Reevaluation, slice_events=24))  # six hours
    monkeypatch.setattr(Backfill, "run", cut_off)
    with pytest.raises(PowerCut):
        materialise(instance, "2026-01-30", "2026-02-01")
    assert instance.get_materialized_partitions(anomalies.key) == {"2026-01-30"}

    monkeypatch.setattr(Backfill, "run", whole_run)
    materialise(instance, "2026-01-31", "2026-02-01")
    assert instance.get_materialized_partitions(anomalies.key) == {"2026-01-30", "2026-01-31", "2026-02-01"}


def test_alerts_that_open_on_chosen_days_are_told_with_them(
    drained: SteppedDrain, instance: Any, database_url: str
) -> None:
    each = {"name": "each", "severity": "info", "window_seconds": 60, "condition": {"type": "match"}}
    save_rule(database_url, each)
    result = materialise(instance, "2026-01-30", "2026-01-30", rules=["each"])

    told = [event.materialization for event in result.get_asset_materialization_events()]
    [of_alerts] = [each.metadata for each in told if each.asset_key == dg.AssetKey("alerts")]
    # An event every quarter of an hour is an alert of its own where they gather for a minute.
    assert (of_alerts["opened"].value, of_alerts["dagster/row_count"].value) == (96, 96)


def test_only_the_gaps_can_be_asked_for(drained: SteppedDrain, instance: Any) -> None:
    forget_anomalies(drained.connection)
    materialise(instance, "2026-01-30", "2026-01-30", only_gaps=True)
    assert standing(drained.connection) == []  # live detection has evaluated the day, so there is no gap


def test_gaps_are_told_until_a_person_has_filled_them_in(drained: SteppedDrain, instance: Any) -> None:
    drained.connection.execute("delete from eventpulse.coverage where day in ('2026-01-30', '2026-01-31')")
    drained.connection.execute("update eventpulse.coverage set evaluated = '{[2026-01-01,2026-03-01)}'")

    [check] = materialise(instance, "2026-01-30", "2026-01-30", only_gaps=True).get_asset_check_evaluations()
    assert not check.passed and "1 of 4 days have not been evaluated by every rule: 2026-01-31" in str(
        check.description
    )

    [check] = materialise(instance, "2026-01-31", "2026-01-31", only_gaps=True).get_asset_check_evaluations()
    assert check.passed


def test_a_rule_that_does_not_exist_fails_the_run(drained: SteppedDrain, instance: Any) -> None:
    with pytest.raises(Exception, match="There is no rule"):
        materialise(instance, "2026-01-30", "2026-01-30", rules=["nobody"])


def execute_again(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """Re-execute a run as the UI does; the sentences of its log."""
    again = dg.ReexecutionOptions(parent_run_id=run_id)
    with dg.execute_job(dg.reconstructable(drain_stream), instance=instance, reexecution_options=again) as result:
        assert result.success
        logged = instance.all_logs(result.run_id)
    return [record.user_message for record in logged if record.dagster_event is None]


@pytest.fixture
def first_run(
    monkeypatch: pytest.MonkeyPatch, drained: SteppedDrain, instance: dg.DagsterInstance, redis_url: str
) -> str:
    """A drain run of Dagster that took one more day of events and was then told to end."""
    publish(redis_url, [an_event(1000 + number, START + timedelta(days=4, minutes=number)) for number in range(30)])
    monkeypatch.setattr(jobs, "told_to_end", lambda: lambda: count(drained, "events") == 270)
    result = drain_stream.execute_in_process(instance=instance)
    assert count(drained, "events") == 270
    return result.run_id


def test_a_drain_run_that_is_executed_again_changes_nothing_when_nothing_should(
    first_run: str, drained: SteppedDrain, instance: dg.DagsterInstance
) -> None:
    before = standing(drained.connection)

    said = execute_again(instance, first_run)

    assert any("30 events evaluated again; nothing changed, 28 anomalies stand" in sentence for sentence in said)
    assert standing(drained.connection) == before
    assert count(drained, "batches where origin = 'rerun' and anomalies + retracted = 0") > 0


def test_a_drain_run_that_is_executed_again_repairs_what_it_found_then_and_no_more(
    first_run: str, drained: SteppedDrain, instance: dg.DagsterInstance
) -> None:
    before = standing(drained.connection)
    forget_anomalies(drained.connection, "occurred_at > '2026-02-02 23:10'")
    lost_earlier = forget_anomalies(drained.connection, "occurred_at < '2026-01-30'")

    said = execute_again(instance, first_run)

    assert any("19 found, 0 retracted, 0 corrected" in sentence for sentence in said)
    assert len(standing(drained.connection)) == len(before) - lost_earlier
    assert count(drained, "anomalies where origin = 'rerun'") == 19


def count(drain: SteppedDrain, what: str) -> int:
    row = drain.connection.execute(f"select count(*) from eventpulse.{what}").fetchone()
    assert row is not None
    return int(row[0])
