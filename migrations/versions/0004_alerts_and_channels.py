"""Alerts, channels, silences and deliveries."""

from alembic import op

revision = "0004"
down_revision = "0003"

TABLES = """
select 1;
"""


def upgrade() -> None:
    op.execute(TABLES)
