"""Alerts, what became of them, and the intention to tell somebody."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

from eventpulse.database.tables.schema import Instant, metadata

# An episode of one rule and group: its anomalies point to it. `opened_at`, `last_at` and `ended_at` are event times;
# `due_at` is when it will have ended if nothing more comes, null where it then goes on for ever; `meaning` is the
# semantic hash of the rule.
alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", Uuid, primary_key=True),
    Column("rule_id", Uuid, nullable=False),
    Column("rule_name", Text, nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("severity", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("labels", JSON, nullable=False, server_default=text("'{}'::json")),
    Column("group", JSON, nullable=False),
    Column("group_key", BigInteger, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'open'")),
    Column("opened_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("ended_at", Instant),
    Column("created_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("updated_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("acknowledged_at", Instant),
    Column("acknowledged_by", Text),
    Column("resolved_at", Instant),
    Column("resolved_by", Text),
    Column("resolution", Text),
    Column("anomaly_count", BigInteger, nullable=False),
    Column("message", Text, nullable=False),
    Column("value", Double),
    Column("threshold", Double),
    Column("expected", Text),
    Column("first_anomaly_id", Uuid, nullable=False),
    Column("latest_anomaly_id", Uuid, nullable=False),
    Column("origin", Text, nullable=False),
    Column("batch_id", BigInteger, nullable=False),
    Column("dagster_run_id", Text),
    Column("meaning", Text, nullable=False),
    CheckConstraint("severity in ('critical', 'warning', 'info')", name="alerts_severity"),
    CheckConstraint("mode in ('live', 'shadow')", name="alerts_mode"),
    CheckConstraint("state in ('open', 'acknowledged', 'resolved')", name="alerts_state"),
    CheckConstraint("resolution in ('ended', 'person', 'retracted', 'rule_removed')", name="alerts_resolution"),
    CheckConstraint("(state = 'resolved') = (resolved_at is not null)", name="alerts_resolved_when"),
    CheckConstraint("(state = 'resolved') = (resolution is not null)", name="alerts_resolved_why"),
    CheckConstraint("state <> 'acknowledged' or acknowledged_at is not null", name="alerts_acknowledged_when"),
    CheckConstraint("origin in ('live', 'late', 'backfill', 'rerun', 'import')", name="alerts_origin"),
    Index("alerts_newest", "created_at", "alert_id"),
    Index("alerts_by_group", "rule_id", "group_key", "opened_at"),
    Index("alerts_by_time", "opened_at"),
    Index("alerts_unresolved", "rule_id", postgresql_where=text("state <> 'resolved'")),
    Index("alerts_resolved", "resolved_at", postgresql_where=text("state = 'resolved'")),
)

# What became of an alert, and who did it; `eventpulse` is the product itself.
alert_history = Table(
    "alert_history",
    metadata,
    Column("history_id", BigInteger, Identity(), primary_key=True),
    Column("alert_id", Uuid, nullable=False),
    Column("at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("what", Text, nullable=False),
    Column("by", Text, nullable=False, server_default=text("'eventpulse'")),
    Column("note", Text),
    CheckConstraint(
        "what in ('opened', 'acknowledged', 'unacknowledged', 'resolved', 'reopened', 'noted')",
        name="alert_history_what",
    ),
    Index("alert_history_by_alert", "alert_id", "history_id"),
)

# The intention to tell somebody of a change of an alert, written in the transaction of the change. `asked` tells that
# somebody wants to hear of it although it is history.
outbox = Table(
    "outbox",
    metadata,
    Column("outbox_id", BigInteger, Identity(), primary_key=True),
    Column("alert_id", Uuid, nullable=False),
    Column("what", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("asked", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("routed_at", Instant),
    CheckConstraint("what in ('opened', 'acknowledged', 'resolved')", name="outbox_what"),
    CheckConstraint("origin in ('live', 'late', 'backfill', 'rerun', 'import')", name="outbox_origin"),
    Index("outbox_waiting", "outbox_id", postgresql_where=text("routed_at is null")),
    Index("outbox_by_alert", "alert_id"),
)
