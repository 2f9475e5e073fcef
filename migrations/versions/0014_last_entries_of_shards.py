"""The last stream entry of a shard is found at once, also of a shard that is not used any more."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Make the index."""
    op.execute("create index batches_by_shard on eventpulse.batches (shard, batch_id) where last_entry is not null")
