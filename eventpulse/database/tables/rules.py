"""The rule book, and how far live detection has got with each rule."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Integer,
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
    created_at(),
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
    created_at(),
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
