"""An alert knows what its rule meant when it opened."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("alter table eventpulse.alerts add column meaning text not null default ''")
    op.execute("alter table eventpulse.alerts alter column meaning drop default")
