"""The tables of schema `eventpulse`, as SQLAlchemy Core sees them; the migrations create them."""

from eventpulse.database.tables.alerts import alert_history, alerts, outbox
from eventpulse.database.tables.anomalies import anomalies, audit_findings, audits, coverage
from eventpulse.database.tables.events import event_ids, event_rollups, events, imports, removed_days
from eventpulse.database.tables.ledger import batches, dead_letters, drain_leases, ledger_days, stream_counters
from eventpulse.database.tables.notifications import channel_files, channels, deliveries, inhibitions, silences
from eventpulse.database.tables.rules import kept_events, rule_book, rule_progress, rule_versions, rules
from eventpulse.database.tables.schema import SCHEMA, metadata
from eventpulse.database.tables.service import api_keys, troubles

__all__ = [
    "SCHEMA",
    "alert_history",
    "alerts",
    "anomalies",
    "api_keys",
    "audit_findings",
    "audits",
    "batches",
    "channel_files",
    "channels",
    "coverage",
    "dead_letters",
    "deliveries",
    "drain_leases",
    "event_ids",
    "event_rollups",
    "events",
    "imports",
    "inhibitions",
    "kept_events",
    "ledger_days",
    "metadata",
    "outbox",
    "removed_days",
    "rule_book",
    "rule_progress",
    "rule_versions",
    "rules",
    "silences",
    "stream_counters",
    "troubles",
]
