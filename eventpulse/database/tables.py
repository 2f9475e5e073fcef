"""The tables of schema `eventpulse`, as SQLAlchemy Core sees them; the migrations create them."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

SCHEMA = "eventpulse"
metadata = MetaData(schema=SCHEMA)
Instant = DateTime(timezone=True)


def _now() -> Column:
    return Column("created_at", Instant, nullable=False, server_default=func.now())


# Partitioned by day of event time. `payload` and `metadata` are json, not jsonb: text exactly as it was sent.
events = Table(
    "events",
    metadata,
    Column("event_id", Uuid, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("timestamp", Instant, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("batch_id", BigInteger, nullable=False),
    Column("origin", Text, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("metadata", JSON, nullable=False),
    _now(),
    PrimaryKeyConstraint("event_id", "timestamp", name="events_key"),
    Index("events_stored_order", "batch_id", "position"),
    Index("events_by_type", "event_type", "timestamp"),
    Index("events_by_source", "source", "timestamp"),
    Index("events_by_time", "timestamp", postgresql_using="brin"),
    postgresql_partition_by="RANGE (timestamp)",
)

# The ledger: one row for each micro-batch, committed with everything the batch did.
batches = Table(
    "batches",
    metadata,
    Column("batch_id", BigInteger, Identity(), primary_key=True),
    Column("origin", Text, nullable=False),
    Column("shard", Integer, nullable=False, server_default=text("0")),
    Column("first_entry", Text),
    Column("last_entry", Text),
    Column("entries", Integer, nullable=False, server_default=text("0")),
    Column("taken", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("duplicates", BigInteger, nullable=False),
    Column("dead_lettered", BigInteger, nullable=False),
    Column("too_late", BigInteger, nullable=False, server_default=text("0")),
    Column("anomalies", BigInteger, nullable=False, server_default=text("0")),
    Column("retracted", BigInteger, nullable=False, server_default=text("0")),
    Column("rule_errors", JSON, nullable=False, server_default=text("'{}'::json")),
    Column("dagster_run_id", Text),
    Column("oldest_received_at", Instant),
    Column("started_at", Instant, nullable=False),
    Column("committed_at", Instant, nullable=False, server_default=func.now()),
    CheckConstraint("taken = stored + duplicates + dead_lettered", name="batches_balance"),
    Index("batches_by_commit", "committed_at"),
    Index("batches_by_run", "dagster_run_id"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("dead_letter_id", BigInteger, Identity(), primary_key=True),
    Column("batch_id", BigInteger, nullable=False),
    Column("entry", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'open'")),
    _now(),
    UniqueConstraint("entry", "line", name="dead_letters_once"),
    CheckConstraint("state in ('open', 'redriven', 'discarded')", name="dead_letters_state"),
)

# `document` is the rule as it was sent, echoed to clients; the columns are what queries need of it.
rules = Table(
    "rules",
    metadata,
    Column("rule_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("severity", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("semantic_hash", Text, nullable=False),
    Column("document", JSON, nullable=False),
    _now(),
    Column("updated_at", Instant, nullable=False, server_default=func.now()),
    UniqueConstraint("name", name="rules_name_once"),
    CheckConstraint("severity in ('critical', 'warning', 'info')", name="rules_severity"),
)

rule_versions = Table(
    "rule_versions",
    metadata,
    Column("rule_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("semantic_hash", Text, nullable=False),
    Column("document", JSON, nullable=False),
    _now(),
    PrimaryKeyConstraint("rule_id", "version", name="rule_versions_key"),
)

# One row. A trigger on `rules` raises `revision` with every change, in the transaction of the change.
rule_book = Table(
    "rule_book",
    metadata,
    Column("only_row", Boolean, primary_key=True, server_default=text("true")),
    Column("revision", BigInteger, nullable=False),
    Column("changed_at", Instant, nullable=False, server_default=func.now()),
    CheckConstraint("only_row", name="rule_book_one_row"),
)

# How far live detection has got with each rule: the newest event it selected, and the watermark up to which
# conditions that move without an event have been judged.
rule_progress = Table(
    "rule_progress",
    metadata,
    Column("rule_id", Uuid, primary_key=True),
    Column("semantic_hash", Text, nullable=False),
    Column("newest_event_at", Instant),
    Column("judged_through", Instant),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("last_error", Text),
    Column("suspended_at", Instant),
)

anomalies = Table(
    "anomalies",
    metadata,
    Column("anomaly_id", Uuid, primary_key=True),
    Column("rule_id", Uuid, nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("severity", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("group", JSON, nullable=False),
    Column("group_key", BigInteger, nullable=False),
    Column("event_id", Uuid),
    Column("position", BigInteger),
    Column("occurred_at", Instant, nullable=False),
    Column("detected_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("value", Double),
    Column("threshold", Double),
    Column("expected", Text),
    Column("window_start", Instant, nullable=False),
    Column("window_end", Instant, nullable=False),
    Column("contributing", ARRAY(Uuid), nullable=False),
    Column("contributing_count", BigInteger, nullable=False),
    Column("origin", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'current'")),
    Column("retracted_at", Instant),
    Column("batch_id", BigInteger, nullable=False),
    Column("dagster_run_id", Text),
    CheckConstraint("origin in ('live', 'late', 'backfill', 'rerun', 'import')", name="anomalies_origin"),
    CheckConstraint("(state = 'current') = (retracted_at is null)", name="anomalies_retracted_when"),
    CheckConstraint("state in ('current', 'retracted')", name="anomalies_state"),
    Index("anomalies_newest", "detected_at", "anomaly_id"),
    Index("anomalies_by_group", "rule_id", "group_key", "occurred_at"),
    Index("anomalies_by_time", "occurred_at"),
)

# Counts by minute of event time, kept in the transaction that stores the events.
event_rollups = Table(
    "event_rollups",
    metadata,
    Column("minute", Instant, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("minute", "event_type", "source", name="event_rollups_key"),
)

# Who drains a shard. Leadership itself is a PostgreSQL advisory lock; this row says until when its holder means to keep
# it.
drain_leases = Table(
    "drain_leases",
    metadata,
    Column("shard", Integer, primary_key=True),
    Column("dagster_run_id", Text, nullable=False),
    Column("leads_since", Instant, nullable=False),
    Column("lease_until", Instant, nullable=False),
    Column("heartbeat_at", Instant, nullable=False),
)

# What is kept of API keys; the keys themselves are not.
api_keys = Table(
    "api_keys",
    metadata,
    Column("prefix", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("requests_per_second", Integer),
    Column("events_per_second", Integer),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("last_used_at", Instant),
    _now(),
    UniqueConstraint("hash", name="api_keys_hash_once"),
    CheckConstraint("octet_length(hash) = 32", name="api_keys_hash_is_sha256"),
    CheckConstraint("cardinality(scopes) > 0 and scopes <@ array['ingest', 'read', 'admin']", name="api_keys_scopes"),
    CheckConstraint("requests_per_second > 0 and events_per_second > 0", name="api_keys_limits"),
)
