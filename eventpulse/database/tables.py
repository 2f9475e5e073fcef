"""The tables of schema `eventpulse`, as SQLAlchemy Core sees them; the migrations create them."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKey,
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
from sqlalchemy.dialects.postgresql import JSON, TSTZMULTIRANGE

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

# Which events there are, over all partitions of `events`: PostgreSQL can make an id unique within a partition only, and
# looking it up in each of them takes longer with every day. `batch_id` is the micro-batch that brought the event.
event_ids = Table(
    "event_ids",
    metadata,
    Column("event_id", Uuid, nullable=False),
    Column("batch_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("event_id", name="event_ids_key"),
    Index("event_ids_by_batch", "batch_id"),
)

# The ledger: one row for each micro-batch, committed with everything the batch did. `turn` is the order in which live
# micro-batches were judged and committed; with several drains `batch_id` is not. `changed_rules` are the rules of which
# a live micro-batch changed anomalies.
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
    Column("committed_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("first_day", Date),
    Column("last_day", Date),
    Column("missing", BigInteger, nullable=False, server_default=text("0")),
    Column("uncounted", BigInteger, nullable=False, server_default=text("0")),
    Column("turn", BigInteger, nullable=False, server_default=text("nextval('eventpulse.batch_turns')")),
    Column("newest_event_at", Instant),
    Column("changed_rules", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
    CheckConstraint("taken = stored + duplicates + dead_lettered", name="batches_balance"),
    Index("batches_by_commit", "committed_at"),
    Index("batches_by_run", "dagster_run_id"),
    Index("batches_by_day", "last_day", "batch_id"),
    Index("batches_by_turn", "turn"),
    Index("batches_by_shard", "shard", "batch_id", postgresql_where=text("last_entry is not null")),
    Index("batches_not_live", "origin", "batch_id", postgresql_where=text("origin <> 'live'")),
)

# The ledger by UTC day of acceptance, kept in the transaction of each micro-batch. `missing` events were accepted and
# never found in the stream, `uncounted` ones were found and never accepted; both are 0, or something is wrong.
ledger_days = Table(
    "ledger_days",
    metadata,
    Column("day", Date, nullable=False),
    Column("origin", Text, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("batches", BigInteger, nullable=False),
    Column("taken", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),
    Column("duplicates", BigInteger, nullable=False),
    Column("dead_lettered", BigInteger, nullable=False),
    Column("missing", BigInteger, nullable=False),
    Column("uncounted", BigInteger, nullable=False),
    Column("too_late", BigInteger, nullable=False),
    Column("anomalies_critical", BigInteger, nullable=False),
    Column("anomalies_warning", BigInteger, nullable=False),
    Column("anomalies_info", BigInteger, nullable=False),
    Column("retracted", BigInteger, nullable=False),
    PrimaryKeyConstraint("day", "origin", "shard", name="ledger_days_key"),
    CheckConstraint("taken = stored + duplicates + dead_lettered", name="ledger_days_balance"),
)

# How far each counter of accepted events was seen to have got, and how far that is settled in the ledger. Redis keeps
# the counter; a Redis that lost its memory begins a new one. `lost` is by how much a counter was seen to go back.
stream_counters = Table(
    "stream_counters",
    metadata,
    Column("counter", Text, primary_key=True),
    Column("shard", Integer, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False),
    Column("lost", BigInteger, nullable=False, server_default=text("0")),
    Column("first_seen_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("seen_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    CheckConstraint("settled <= accepted", name="stream_counters_settled"),
)

# `raw` is the line as it came and is never changed; `edited` is an event that stands in for it when it is redriven.
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
    Column("cause", Text, nullable=False, server_default=text("'unreadable'")),
    Column("event_id", Uuid),
    Column("edited", LargeBinary),
    Column("edited_at", Instant),
    Column("redriving_since", Instant),
    Column("closed_at", Instant),
    UniqueConstraint("entry", "line", name="dead_letters_once"),
    CheckConstraint("state in ('open', 'redriving', 'redriven', 'discarded')", name="dead_letters_state"),
    CheckConstraint("cause in ('unreadable', 'refused', 'future')", name="dead_letters_cause"),
    CheckConstraint("(state in ('redriven', 'discarded')) = (closed_at is not null)", name="dead_letters_closed_when"),
    Index("dead_letters_to_do", "dead_letter_id", postgresql_where=text("state in ('open', 'redriving')")),
)

# `document` is the rule as it was sent, echoed to clients; the columns are what queries need of it. `history_revision`
# grows when its anomalies are changed by anything but live detection.
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
    Column("history_revision", BigInteger, nullable=False, server_default=text("0")),
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
    Column("limited_at", Instant),
    Column("limited_why", Text),
)

# For a rule that looks back for ever, the events up to `through` that it still needs, of all that had been judged at a
# turn. Read by a drain that starts; whatever stands here can be found out again from the events.
kept_events = Table(
    "kept_events",
    metadata,
    Column("rule_id", Uuid, nullable=False),
    Column("semantic_hash", Text, nullable=False),
    Column("turn", BigInteger, nullable=False),
    Column("through", Instant, nullable=False),
    Column("event_ids", ARRAY(Uuid), nullable=False),
    Column("instants", ARRAY(Instant), nullable=False),
    PrimaryKeyConstraint("rule_id", name="kept_events_key"),
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
    Column("alert_id", Uuid),
    CheckConstraint("origin in ('live', 'late', 'backfill', 'rerun', 'import')", name="anomalies_origin"),
    CheckConstraint("(state = 'current') = (retracted_at is null)", name="anomalies_retracted_when"),
    CheckConstraint("state in ('current', 'retracted')", name="anomalies_state"),
    Index("anomalies_newest", "detected_at", "anomaly_id"),
    Index("anomalies_by_group", "rule_id", "group_key", "occurred_at"),
    Index("anomalies_by_time", "occurred_at"),
    Index("anomalies_by_alert", "alert_id", "occurred_at"),
    Index("anomalies_by_rule", "rule_id", "occurred_at", postgresql_where=text("state = 'current'")),
)

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

# For each rule, meaning and UTC day of event time: which stretches have been evaluated. While `live`, live detection
# is at it and extends the last stretch.
coverage = Table(
    "coverage",
    metadata,
    Column("rule_id", Uuid, nullable=False),
    Column("day", Date, nullable=False),
    Column("semantic_hash", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("evaluated", TSTZMULTIRANGE, nullable=False),
    Column("live", Boolean, nullable=False),
    Column("origin", Text, nullable=False),
    Column("updated_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    PrimaryKeyConstraint("rule_id", "day", "semantic_hash", name="coverage_key"),
    CheckConstraint("origin in ('live', 'backfill', 'rerun')", name="coverage_origin"),
    Index("coverage_by_day", "day"),
    Index("coverage_live", "day", postgresql_where=text("live")),
)

# The days of event time of which retention has removed events: what followed from them cannot be evaluated again.
removed_days = Table(
    "removed_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("events", BigInteger, nullable=False),
    Column("removed_at", Instant, nullable=False, server_default=func.clock_timestamp()),
)

# One row for each evaluation of a closed day afresh, and what it found rule by rule.
audits = Table(
    "audits",
    metadata,
    Column("audit_id", BigInteger, Identity(), primary_key=True),
    Column("day", Date, nullable=False),
    Column("rules", Integer, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("computed", BigInteger, nullable=False),
    Column("standing", BigInteger, nullable=False),
    Column("missing", BigInteger, nullable=False),
    Column("extra", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("repaired", Boolean, nullable=False, server_default=text("false")),
    Column("dagster_run_id", Text),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Index("audits_by_day", "day", "audit_id"),
)

audit_findings = Table(
    "audit_findings",
    metadata,
    Column("audit_id", BigInteger, ForeignKey(audits.c.audit_id, ondelete="CASCADE"), nullable=False),
    Column("rule_id", Uuid, nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("rule_name", Text, nullable=False),
    Column("computed", BigInteger, nullable=False),
    Column("standing", BigInteger, nullable=False),
    Column("missing", BigInteger, nullable=False),
    Column("extra", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("remarks", ARRAY(Text), nullable=False),
    Column("samples", JSON, nullable=False),
    PrimaryKeyConstraint("audit_id", "rule_id", name="audit_findings_key"),
    Index("audit_findings_by_rule", "rule_id", "audit_id"),
)

# Whom alerts are told to. `url` and `secret` are encrypted; `plan` is what rules/routing/channel.py reads.
# `waits_until` says until when nothing is sent there, whatever is due, and `waits_why` the reason.
channels = Table(
    "channels",
    metadata,
    Column("channel_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("kind", Text, nullable=False),
    Column("shown_url", Text, nullable=False),
    Column("url", LargeBinary, nullable=False),
    Column("secret", LargeBinary),
    Column("plan", JSON, nullable=False),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("last_error", Text),
    Column("last_sent_at", Instant),
    Column("waits_until", Instant),
    Column("waits_why", Text),
    _now(),
    Column("updated_at", Instant, nullable=False, server_default=func.now()),
    UniqueConstraint("name", name="channels_name_once"),
    CheckConstraint("kind in ('apprise', 'webhook')", name="channels_kind"),
    CheckConstraint("kind <> 'webhook' or secret is not null", name="channels_signed"),
    CheckConstraint("(waits_until is null) = (waits_why is null)", name="channels_waits_why"),
)

# Files of channels that were taken over; each is read once.
channel_files = Table(
    "channel_files",
    metadata,
    Column("path", Text, primary_key=True),
    Column("channels", Integer, nullable=False),
    Column("imported_at", Instant, nullable=False, server_default=func.now()),
)

silences = Table(
    "silences",
    metadata,
    Column("silence_id", Uuid, primary_key=True),
    Column("matcher", JSON, nullable=False),
    Column("owner", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    _now(),
    CheckConstraint("ends_at >= starts_at", name="silences_end_after_start"),
    Index("silences_by_end", "ends_at"),
)

inhibitions = Table(
    "inhibitions",
    metadata,
    Column("inhibition_id", Uuid, primary_key=True),
    Column("source", JSON, nullable=False),
    Column("target", JSON, nullable=False),
    Column("equal", ARRAY(Text), nullable=False),
    _now(),
)

# What became of intents on channels: a message that waits, is being sent, was sent or was given up; or why there is
# none (`held`). Each row of the outbox stands once for each channel that is for it. `message` is written when the
# message goes out first, and never changes after that. A held row with `due_at` is looked at again then.
deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_id", Uuid, primary_key=True, server_default=text("gen_random_uuid()")),
    Column("number", BigInteger, Identity(), nullable=False),
    Column("channel_id", Uuid),
    Column("channel_name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("group_key", Text, nullable=False, server_default=text("''")),
    Column("reminder", Boolean, nullable=False, server_default=text("false")),
    Column("alert_ids", ARRAY(Uuid), nullable=False, server_default=text("'{}'")),
    Column("outbox_ids", ARRAY(BigInteger), nullable=False, server_default=text("'{}'")),
    Column("due_at", Instant),
    Column("first_due_at", Instant),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("interrupted", Boolean, nullable=False, server_default=text("false")),
    Column("last_error", Text),
    Column("subject", Text),
    Column("message", JSON),
    Column("created_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("attempted_at", Instant),
    Column("sent_at", Instant),
    CheckConstraint("kind in ('firing', 'resolved', 'test', 'digest')", name="deliveries_kind"),
    CheckConstraint("state in ('waiting', 'sending', 'sent', 'held', 'failed', 'gave_up')", name="deliveries_state"),
    CheckConstraint("state <> 'waiting' or due_at is not null", name="deliveries_waiting_is_due"),
    CheckConstraint("(state = 'sent') = (sent_at is not null)", name="deliveries_sent_when"),
    CheckConstraint("state <> 'sending' or message is not null", name="deliveries_sending_something"),
    UniqueConstraint("number", name="deliveries_number_once"),
    Index(
        "deliveries_gathering",
        *("channel_id", "group_key", "reminder"),
        unique=True,
        postgresql_where=text("state = 'waiting' and message is null"),
    ),
    Index("deliveries_due", "channel_id", "due_at", postgresql_where=text("state = 'waiting'")),
    Index("deliveries_to_look_at_again", "due_at", postgresql_where=text("state = 'held' and due_at is not null")),
    Index("deliveries_underway", "delivery_id", postgresql_where=text("state = 'sending'")),
    Index("deliveries_of_group", "channel_id", "group_key", "sent_at", postgresql_where=text("sent_at is not null")),
    Index("deliveries_attempted", "attempted_at"),
    Index("deliveries_by_alert", "alert_ids", postgresql_using="gin"),
    Index("deliveries_by_channel", "channel_id", "number"),
)

# How far each file of historical events has been imported, known by its place and its first row. `through` is the last
# of its lines or rows that was dealt with.
imports = Table(
    "imports",
    metadata,
    Column("import_id", BigInteger, Identity(), primary_key=True),
    Column("file", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("mapping", Text, nullable=False),
    Column("through", BigInteger, nullable=False, server_default=text("0")),
    Column("stored", BigInteger, nullable=False, server_default=text("0")),
    Column("duplicates", BigInteger, nullable=False, server_default=text("0")),
    Column("dead_lettered", BigInteger, nullable=False, server_default=text("0")),
    Column("skipped", BigInteger, nullable=False, server_default=text("0")),
    Column("first_day", Date),
    Column("last_day", Date),
    Column("started_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("updated_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("finished_at", Instant),
    UniqueConstraint("file", "fingerprint", name="imports_once"),
)

# What EventPulse notices about itself. `state` is what was said last, `since` since when that is so; `noticed` another
# state that has to last before it is said. `untold` is an event that is still to be put into the stream.
troubles = Table(
    "troubles",
    metadata,
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("noticed", Text),
    Column("noticed_at", Instant),
    Column("untold", JSON),
    PrimaryKeyConstraint("kind", "subject", name="troubles_key"),
    CheckConstraint("(noticed is null) = (noticed_at is null)", name="troubles_noticed_when"),
)
