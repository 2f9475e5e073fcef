"""An audit is an asset check on the partition of its day; a repair makes it pass; the schedule asks for what is due."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import dagster as dg
import pytest

from assets.rule_audit import rule_audit
from eventpulse.settings import load_settings
from pipelines.history.audit import Auditor
from pipelines.read_rules import named_rules
from pipelines.schedules import audit_closed_days
from sensors.history_watch import history_watch
from tests.draining import SteppedDrain, a_drain, publish, save_rule
from tests.reevaluating import forget_anomalies

START = datetime(2026, 1, 30, 23, tzinfo=UTC)
DAY = "2026-01-31"
RULE = {"name": "each", "severity": "info", "window_seconds": 60, "condition": {"type": "match"}}


@pytest.fixture
def drained(monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str) -> Iterator[SteppedDrain]:
    """A rule that fires at each event, and two days of events."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    save_rule(database_url, RULE)
    publish(
        redis_url,
        [
            {"event_id": str(UUID(int=hour + 1)), "timestamp": (START + timedelta(hours=hour)).isoformat()}
            for hour in range(20)
        ],
    )
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
        yield drain


def audit(instance: dg.DagsterInstance, **options: Any) -> dg.AssetCheckEvaluation:
    """Materialise the day's audit; what its check says."""
    result = dg.materialize(
        [rule_audit],
        instance=instance,
        partition_key=DAY,
        run_config={"ops": {"rule_audit": {"config": options}}},
    )
    evaluation, of_all_days = result.get_asset_check_evaluations()
    assert of_all_days.check_name == "no_day_differs" and of_all_days.passed == evaluation.passed
    assert evaluation.partition == DAY
    return evaluation


def test_the_check_of_a_day_tells_whether_its_anomalies_follow_from_its_events(drained: SteppedDrain) -> None:
    with dg.instance_for_test() as instance:
        assert audit(instance).passed

        forget_anomalies(drained.connection, f"occurred_at between '{DAY} 03:00' and '{DAY} 05:00'")
        differing = audit(instance)
        assert not differing.passed
        assert {name: differing.metadata[name].value for name in ("missing", "extra", "changed")} == {
            "missing": 3,
            "extra": 0,
            "changed": 0,
        }

        assert audit(instance, repair=True).passed
        assert audit(instance).passed


def test_many_days_are_audited_in_one_run_each_with_a_check_of_its_own(drained: SteppedDrain) -> None:
    forget_anomalies(drained.connection, f"occurred_at >= '{DAY}'")
    with dg.instance_for_test() as instance:
        chosen = {"dagster/asset_partition_range_start": "2026-01-30", "dagster/asset_partition_range_end": DAY}
        result = dg.materialize([rule_audit], instance=instance, tags=chosen)

        *of_days, of_all_days = result.get_asset_check_evaluations()
        assert {each.partition: each.passed for each in of_days} == {"2026-01-30": True, DAY: False}
        assert (of_all_days.partition, of_all_days.passed) == (None, False)
        assert instance.get_materialized_partitions(rule_audit.key) == {"2026-01-30", DAY}
        # Dagster counts a check for its partition only if it is about the newest materialisation of that.
        for check in of_days:
            of_day = dg.AssetRecordsFilter(rule_audit.key, asset_partitions=[str(check.partition)])
            [materialised] = instance.fetch_materializations(of_day, limit=1).records
            assert check.target_materialization_data is not None
            assert check.target_materialization_data.storage_id == materialised.storage_id


def test_a_check_that_fails_says_what_to_do(drained: SteppedDrain) -> None:
    with dg.instance_for_test() as instance:
        assert "the 19 anomalies that stand are those that follow from 19 events" in str(audit(instance).description)

        forget_anomalies(drained.connection, f"occurred_at between '{DAY} 03:00' and '{DAY} 05:00'")
        said = str(audit(instance).description)
        assert "3 missing, 0 extra, 0 changed" in said
        assert f"`eventpulse audit --from {DAY} --to {DAY} --repair`" in said


def test_a_day_that_the_command_has_repaired_is_audited_by_a_run_again_so_that_its_check_passes(
    drained: SteppedDrain,
) -> None:
    with dg.instance_for_test() as instance:
        forget_anomalies(drained.connection, f"occurred_at between '{DAY} 03:00' and '{DAY} 05:00'")
        run_auditor(drained, "2026-01-30")
        assert not audit(instance).passed
        requested, cursor = watch(instance, None)
        assert requested == []

        run_auditor(drained, DAY)
        requested, cursor = watch(instance, cursor)
        assert requested == [DAY]

        assert audit(instance).passed
        assert watch(instance, cursor)[0] == []


def run_auditor(drained: SteppedDrain, day: str) -> None:
    """As `eventpulse audit --repair` does."""
    auditor = Auditor(drained.connection, load_settings(), named_rules(drained.connection, None))
    auditor.audit_and_repair(datetime.fromisoformat(day).date(), lambda sentence: None)


def watch(instance: dg.DagsterInstance, cursor: str | None) -> tuple[list[str | None], str | None]:
    """For which days a tick of the sensor `history_watch` asks for runs, and its cursor."""
    result = history_watch(dg.build_sensor_context(instance, cursor=cursor, sensor_name="history_watch"))
    if isinstance(result, dg.SkipReason):
        return [], cursor
    assert isinstance(result, dg.SensorResult)
    return [request.partition_key for request in result.run_requests or []], result.cursor


def test_each_closed_day_is_audited_once_and_again_when_something_of_it_has_changed(drained: SteppedDrain) -> None:
    with dg.instance_for_test() as instance:
        assert due(instance) == ["2026-01-30", DAY]
        audit(instance)
        assert due(instance) == ["2026-01-30"]
        drained.connection.execute("update eventpulse.coverage set updated_at = clock_timestamp()")
        assert due(instance) == ["2026-01-30", DAY]


def due(instance: dg.DagsterInstance) -> list[str | None]:
    tick = dg.build_schedule_context(instance, scheduled_execution_time=datetime(2026, 2, 1, 0, 20, tzinfo=UTC))
    return [request.partition_key for request in audit_closed_days(tick) if isinstance(request, dg.RunRequest)]
