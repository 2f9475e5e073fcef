"""What EventPulse notices about itself, and what it has said of it."""

from alembic import op

revision = "0013"
down_revision = "0012"

TABLES = """
create table eventpulse.troubles (
    kind text not null,
    subject text not null,
    state text not null,
    since timestamptz not null,
    seen_at timestamptz not null,
    noticed text,
    noticed_at timestamptz,
    untold json,
    constraint troubles_key primary key (kind, subject),
    constraint troubles_noticed_when check ((noticed is null) = (noticed_at is null))
);
"""


def upgrade() -> None:
    op.execute(TABLES)
