"""What came in, day by day, and dead letters that can be edited."""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = """
select 1;
"""


def upgrade() -> None:
    op.execute(TABLES)
