"""Live detection takes imports up from the ledger; nothing has to tell it to begin anew."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Drop the counter that told it to."""
    op.execute("alter table eventpulse.rule_book drop column imports")
