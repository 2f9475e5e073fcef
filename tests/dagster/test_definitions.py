"""What Dagster shows cannot change unnoticed."""

import dagster as dg
import pytest

from pipelines.definitions import eventpulse

#: Every asset with its group and what it is made from.
GRAPH = {
    "event_stream": ("ingestion", set()),
    "events": ("ingestion", {"event_stream"}),
    "event_rollups": ("ingestion", {"events"}),
    "rule_book": ("detection", set()),
    "anomalies": ("detection", {"events", "rule_book"}),
    "alerts": ("alerting", {"anomalies"}),
    "notifications": ("alerting", {"alerts"}),
    "rule_audit": ("audit", {"anomalies"}),
}
CHECKS = {
    "events:every_event_is_accounted_for",
    "anomalies:no_day_has_gaps",
    "rule_audit:agrees_with_events",
    "rule_audit:no_day_differs",
}
JOBS = {"drain_stream", "send_notifications", "clean_up", "backfill", "audit", "repair"}
SCHEDULES = {"clean_up_hourly": "17 * * * *", "audit_closed_days": "20 0 * * *"}
SENSORS = {
    "drain_keeper",
    "sender_keeper",
    "ledger_watch",
    "stream_watch",
    "history_watch",
    "run_failures",
    "self_watch",
}


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    found = eventpulse()
    dg.Definitions.validate_loadable(found)
    return found


def test_the_graph_is_the_one_that_the_documentation_shows(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    found = {
        spec.key.to_user_string(): (spec.group_name, {dep.asset_key.to_user_string() for dep in spec.deps})
        for spec in definitions.resolve_all_asset_specs()
    }
    assert found == GRAPH
    assert {f"{key.asset_key.to_user_string()}:{key.name}" for key in graph.asset_check_keys} == CHECKS


def test_every_asset_says_what_it_is_who_keeps_it_and_where_its_pages_are(definitions: dg.Definitions) -> None:
    for spec in definitions.resolve_all_asset_specs():
        assert spec.description, spec.key
        assert spec.kinds and spec.owners, spec.key
        links = [value for value in spec.metadata.values() if isinstance(value, dg.UrlMetadataValue)]
        assert any("/dashboard#/" in str(link.value) for link in links), spec.key


def test_everything_about_event_time_has_a_partition_for_each_utc_day(definitions: dg.Definitions) -> None:
    daily = {spec.key.to_user_string() for spec in definitions.resolve_all_asset_specs() if spec.partitions_def}
    assert daily == {"events", "event_rollups", "anomalies", "alerts", "notifications", "rule_audit"}


def test_jobs_schedules_and_sensors_are_these(definitions: dg.Definitions) -> None:
    jobs = {job.name for job in definitions.resolve_all_job_defs()}
    assert {name for name in jobs if not name.startswith("__")} == JOBS
    schedules = {
        each.name: each.cron_schedule for each in definitions.schedules or [] if hasattr(each, "cron_schedule")
    }
    assert schedules == SCHEDULES
    assert {sensor.name for sensor in definitions.sensors or []} == SENSORS


def test_all_schedules_and_sensors_run_from_the_first_start_and_say_what_for(definitions: dg.Definitions) -> None:
    for each in [*(definitions.schedules or []), *(definitions.sensors or [])]:
        assert each.default_status.value == "RUNNING", each.name
        assert getattr(each, "description", None), each.name
