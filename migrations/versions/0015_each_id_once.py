"""Each event id stands once, over all days: looking one up takes as long with a thousand days as with one."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make the table and fill it with the ids of all events there are."""
    op.execute("create table eventpulse.event_ids (event_id uuid not null, batch_id bigint not null)")
    op.execute(
        "insert into eventpulse.event_ids (event_id, batch_id)"
        " select event_id, min(batch_id) from eventpulse.events group by event_id order by event_id"
    )
    op.execute("alter table eventpulse.event_ids add constraint event_ids_key primary key (event_id)")
    op.execute("create index event_ids_by_batch on eventpulse.event_ids (batch_id)")
