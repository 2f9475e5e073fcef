"""The table of contents: everything Dagster knows of EventPulse."""

import dagster as dg

from assets.alerts import alerts
from assets.anomalies import anomalies
from assets.asset_checks import every_event_is_accounted_for
from assets.event_rollups import event_rollups
from assets.event_stream import event_stream
from assets.events import events
from assets.notifications import notifications
from assets.rule_audit import rule_audit
from assets.rule_book import rule_book
from eventpulse.log_redaction import redact_logs
from eventpulse.settings import load_settings
from pipelines.history_jobs import audit, backfill, repair
from pipelines.jobs import drain_stream
from pipelines.notification_jobs import send_notifications
from pipelines.schedules import audit_closed_days
from pipelines.upkeep.clean_up import clean_up, clean_up_hourly
from sensors.drain_keeper import drain_keeper
from sensors.history_watch import history_watch
from sensors.ledger_watch import ledger_watch
from sensors.run_failures import run_failures
from sensors.self_watch import self_watch
from sensors.sender_keeper import sender_keeper
from sensors.stream_watch import stream_watch


@dg.definitions
def eventpulse() -> dg.Definitions:
    """All assets, jobs, schedules and sensors. Whatever the process that loads them logs hides secrets."""
    redact_logs(load_settings())
    return dg.Definitions(
        assets=[event_stream, events, event_rollups, rule_book, anomalies, alerts, notifications, rule_audit],
        asset_checks=[every_event_is_accounted_for],
        jobs=[drain_stream, send_notifications, clean_up, backfill, audit, repair],
        schedules=[clean_up_hourly, audit_closed_days],
        sensors=[drain_keeper, sender_keeper, ledger_watch, stream_watch, history_watch, run_failures, self_watch],
        executor=dg.in_process_executor,
    )
