"""API keys."""

from alembic import op

revision = "0002"
down_revision = "0001"

TABLES = """
select 1;
"""


def upgrade() -> None:
    op.execute(TABLES)
