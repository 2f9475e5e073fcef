"""The days of which retention has removed events."""

from alembic import op

revision = "0006"
down_revision = "0005"

TABLES = """
create table eventpulse.removed_days (
    day date primary key,
    events bigint not null,
    removed_at timestamptz not null default clock_timestamp()
);
-- What has been removed before this was written down: days that were evaluated and hold no events any more.
insert into eventpulse.removed_days (day, events)
select distinct day, 0 from eventpulse.coverage c
where not exists (select from eventpulse.event_rollups where minute >= c.day and minute < c.day + 1);
"""


def upgrade() -> None:
    op.execute(TABLES)
