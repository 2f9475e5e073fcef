"""The clean-up removes what settings say, ours and Dagster's, and says what it did."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from eventpulse.database.connect import open_connection
from eventpulse.settings import load_settings
from pipelines.upkeep.clean_up import clean_up, clean_up_hourly, clean_up_tables
from pipelines.upkeep.prune_reports import prune_reports
from pipelines.upkeep.prune_runs import prune_runs
from tests.draining import a_drain, a_line, publish_lines, save_rule

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def servers(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    return monkeypatch


@pytest.fixture
def two_old_events(database_url: str, redis_url: str) -> None:
    """Two events of long ago and one of now, each day in a micro-batch of its own."""
    for numbers, at in (((1, 2), NOW - timedelta(days=40)), ((3,), NOW)):
        lines = [a_line({"event_id": f"00000000-0000-4000-8000-{n:012}", "timestamp": at.isoformat()}) for n in numbers]
        publish_lines(redis_url, [lines])
        with a_drain(database_url, redis_url) as drain:
            drain.run_until_empty()
            newest = "(select max(batch_id) from eventpulse.batches)"
            drain.connection.execute(
                f"update eventpulse.batches set committed_at = %s where batch_id = {newest}", (at,)
            )


def count(database_url: str, table: str) -> int:
    with open_connection(database_url, application="tests") as connection:
        row = connection.execute(f"select count(*) from eventpulse.{table}").fetchone()  # type: ignore[arg-type]
    assert row is not None
    return int(row[0])


def test_without_limits_everything_is_kept(database_url: str, two_old_events: None) -> None:
    with open_connection(database_url, application="tests") as connection:
        gone = clean_up_tables(connection, load_settings(), NOW + timedelta(days=10_000))
    assert (gone.events, gone.anomalies, gone.batches) == (0, 0, 0)
    assert count(database_url, "events") == 3


def test_the_job_removes_what_is_old_and_says_so(
    servers: pytest.MonkeyPatch, database_url: str, two_old_events: None
) -> None:
    servers.setenv("EVENT_RETENTION_DAYS", "30")
    servers.setenv("ANOMALY_RETENTION_DAYS", "30")
    with dg.instance_for_test() as instance:
        result = clean_up.execute_in_process(instance=instance)
        output = next(event for event in result.all_events if event.is_successful_output)

    said: Any = output.step_output_data.metadata  # type: ignore[union-attr]
    assert said["events"].value == 2
    assert len(said["whole_days"].value) == 1
    assert said["micro_batches"].value == 1
    assert count(database_url, "events") == 1


def test_a_rule_that_looks_further_back_than_events_are_kept_is_named(
    servers: pytest.MonkeyPatch, database_url: str
) -> None:
    rule = {"severity": "info", "condition": {"type": "threshold", "metric": "count", "operator": ">", "value": 5}}
    save_rule(database_url, {**rule, "name": "short", "window_seconds": 60})
    save_rule(database_url, {**rule, "name": "long", "window_seconds": 20 * 86_400})
    servers.setenv("EVENT_RETENTION_DAYS", "20")
    with open_connection(database_url, application="tests") as connection:
        gone = clean_up_tables(connection, load_settings(), NOW)
    assert len(gone.warnings) == 1
    assert gone.warnings[0].startswith('Rule "long" may look further back than events are kept (20 days)')


def test_runs_that_ended_before_the_limit_are_forgotten_and_the_days_they_materialised_are_not() -> None:
    days = dg.DailyPartitionsDefinition("2026-01-01")

    @dg.op
    def tell(context: dg.OpExecutionContext) -> None:
        said = {"origin": "live"}
        context.log_event(dg.AssetMaterialization("events", partition=context.op_config, metadata=said))

    @dg.job(executor_def=dg.in_process_executor)
    def some_drain() -> None:
        tell()

    with dg.instance_for_test() as instance:
        assert days.get_partition_keys()
        for day in ("2026-01-01", "2026-01-02", "2026-01-02"):
            config = {"ops": {"tell": {"config": day}}}
            some_drain.execute_in_process(instance=instance, run_config=config)
        going = instance.create_run_for_job(some_drain, status=dg.DagsterRunStatus.STARTED)

        assert prune_runs(instance, NOW - timedelta(days=1)) == 0
        assert prune_runs(instance, datetime.now(UTC) + timedelta(seconds=5), at_most=2) == 2
        assert prune_runs(instance, datetime.now(UTC) + timedelta(seconds=5)) == 1

        assert [run.run_id for run in instance.get_runs()] == [going.run_id]
        assert instance.get_materialized_partitions(dg.AssetKey("events")) == {"2026-01-01", "2026-01-02"}
        kept = instance.fetch_materializations(dg.AssetKey("events"), limit=10).records
        assert {each.partition_key: metadata_of(each)["origin"].value for each in kept} == {
            "2026-01-01": "live",
            "2026-01-02": "live",
        }


def metadata_of(record: dg.EventLogRecord) -> Any:
    assert record.asset_materialization is not None
    return record.asset_materialization.metadata


def test_of_what_was_told_outside_of_runs_the_newest_word_on_each_asset_check_and_day_stays() -> None:
    events = dg.AssetKey("events")

    def tell(number: int) -> None:
        of_number = {"number": number}
        for day in ("2026-01-01", "2026-01-02"):
            instance.report_runless_asset_event(dg.AssetMaterialization(events, partition=day, metadata=of_number))
        instance.report_runless_asset_event(dg.AssetMaterialization(events, metadata=of_number))
        instance.report_runless_asset_event(dg.AssetObservation("event_stream", metadata=of_number))
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(events, "accounted_for", passed=True, metadata=of_number)
        )

    with dg.instance_for_test() as instance:
        for number in range(3):
            tell(number)
        assert prune_reports(instance, NOW - timedelta(days=1)) == 0
        assert prune_reports(instance, datetime.now(UTC) + timedelta(seconds=5)) == 2 * 4 + 3 + 2
        assert prune_reports(instance, datetime.now(UTC) + timedelta(seconds=5)) == 0

        kept = instance.fetch_materializations(events, limit=10).records
        assert [(each.partition_key, metadata_of(each)["number"].value) for each in kept] == [
            (None, 2),
            ("2026-01-02", 2),
            ("2026-01-01", 2),
        ]
        assert len(instance.fetch_observations(dg.AssetKey("event_stream"), limit=10).records) == 1


def test_the_clean_up_is_scheduled_from_the_first_start() -> None:
    assert clean_up_hourly.default_status is dg.DefaultScheduleStatus.RUNNING
