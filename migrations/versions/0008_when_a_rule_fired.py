"""When a rule fired last, and how often lately, is found without reading all it ever found."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.execute("create index anomalies_by_rule on eventpulse.anomalies (rule_id, occurred_at) where state = 'current'")
