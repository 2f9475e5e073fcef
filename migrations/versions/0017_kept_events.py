"""A drain writes down which old events its rules still need, for the next one."""

from alembic import op

revision = "0017"
down_revision = "0016"

TABLE = """
create table eventpulse.kept_events (
    rule_id uuid not null,
    semantic_hash text not null,
    turn bigint not null,
    through timestamptz not null,
    event_ids uuid[] not null,
    instants timestamptz[] not null,
    constraint kept_events_key primary key (rule_id)
);
"""


def upgrade() -> None:
    """Make the table. What stands in it can be removed at any time: it only saves reading."""
    op.execute(TABLE)
