"""A rule with too many groups rests, and says why."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute("alter table eventpulse.rule_progress add column limited_at timestamptz, add column limited_why text")
