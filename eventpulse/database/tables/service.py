"""What the product keeps for itself: keys of its API, and what it notices of its own state."""

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSON

from eventpulse.database.tables.schema import Instant, created_at, metadata

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
    created_at(),
    UniqueConstraint("hash", name="api_keys_hash_once"),
    CheckConstraint("octet_length(hash) = 32", name="api_keys_hash_is_sha256"),
    CheckConstraint("cardinality(scopes) > 0 and scopes <@ array['ingest', 'read', 'admin']", name="api_keys_scopes"),
    CheckConstraint("requests_per_second > 0 and events_per_second > 0", name="api_keys_limits"),
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
