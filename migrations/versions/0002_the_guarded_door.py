"""API keys."""

from alembic import op

revision = "0002"
down_revision = "0001"

TABLES = """
create table eventpulse.api_keys (
    prefix text primary key,
    name text not null,
    scopes text[] not null,
    hash bytea not null,
    requests_per_second integer,
    events_per_second integer,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz not null default now(),
    constraint api_keys_hash_once unique (hash),
    constraint api_keys_hash_is_sha256 check (octet_length(hash) = 32),
    constraint api_keys_scopes check (cardinality(scopes) > 0 and scopes <@ array['ingest', 'read', 'admin']),
    constraint api_keys_limits check (requests_per_second > 0 and events_per_second > 0)
);
"""


def upgrade() -> None:
    op.execute(TABLES)
