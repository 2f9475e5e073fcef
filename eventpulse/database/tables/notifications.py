"""Whom alerts are told to, what mutes them, and what became of messages."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

from eventpulse.database.tables.schema import Instant, created_at, metadata

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
    created_at(),
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
    created_at(),
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
    created_at(),
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
