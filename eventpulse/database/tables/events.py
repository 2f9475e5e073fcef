"""Events, which there are, how many in each minute, what was imported and what retention removed."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Identity,
    Index,
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
    created_at(),
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

# The days of event time of which retention has removed events: what followed from them cannot be evaluated again.
removed_days = Table(
    "removed_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("events", BigInteger, nullable=False),
    Column("removed_at", Instant, nullable=False, server_default=func.clock_timestamp()),
)
