"""What Dagster shows cannot change unnoticed."""

import dagster as dg

from pipelines.definitions import eventpulse


def test_definitions_load_and_have_what_the_documentation_speaks_of() -> None:
    definitions = eventpulse()
    dg.Definitions.validate_loadable(definitions)

    assets = {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    jobs = {job.name for job in definitions.resolve_all_job_defs()} - {"__ASSET_JOB"}
    schedules = {schedule.name for schedule in definitions.schedules or []}
    sensors = {sensor.name for sensor in definitions.sensors or []}

    assert assets == {"event_stream", "events", "rule_book", "anomalies", "rule_audit"}
    assert {"drain_stream", "backfill", "audit", "repair"} <= jobs
    assert "audit_closed_days" in schedules
    assert "drain_keeper" in sensors
    for each in [*(definitions.schedules or []), *(definitions.sensors or [])]:
        assert each.default_status.value == "RUNNING", each.name
