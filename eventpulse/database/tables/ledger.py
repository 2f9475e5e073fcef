"""What came in: micro-batches, their sums by day, counters of the stream, dead letters, who drains."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

from eventpulse.database.tables.schema import Instant, created_at, metadata

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
    created_at(),
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
