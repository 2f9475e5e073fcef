"""In which order micro-batches were judged, and what they changed: with several drains, ids do not follow commits."""

from alembic import op

revision = "0007"
down_revision = "0006"

TURNS = """
create sequence eventpulse.batch_turns;
alter table eventpulse.batches add column turn bigint;
update eventpulse.batches set turn = batch_id;
select setval('eventpulse.batch_turns', (select coalesce(max(batch_id), 0) + 1 from eventpulse.batches), false);
alter table eventpulse.batches alter column turn set default nextval('eventpulse.batch_turns');
alter table eventpulse.batches alter column turn set not null;
create index batches_by_turn on eventpulse.batches (turn);
alter table eventpulse.batches add column newest_event_at timestamptz;
alter table eventpulse.batches add column changed_rules uuid[] not null default '{}';
"""


def upgrade() -> None:
    """Give every micro-batch its turn."""
    op.execute(TURNS)
