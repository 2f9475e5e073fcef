"""What came in, day by day, and dead letters that can be edited."""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = """
-- `now()` is when a transaction began; the commit comes right after the row is written.
alter table eventpulse.batches
    alter column committed_at set default clock_timestamp(),
    add column first_day date,
    add column last_day date,
    add column missing bigint not null default 0,
    add column uncounted bigint not null default 0;
create index batches_by_day on eventpulse.batches (last_day, batch_id);
create index batches_not_live on eventpulse.batches (origin, batch_id) where origin <> 'live';

create table eventpulse.ledger_days (
    day date not null,
    origin text not null,
    shard integer not null,
    batches bigint not null,
    taken bigint not null,
    stored bigint not null,
    duplicates bigint not null,
    dead_lettered bigint not null,
    missing bigint not null,
    uncounted bigint not null,
    too_late bigint not null,
    anomalies_critical bigint not null,
    anomalies_warning bigint not null,
    anomalies_info bigint not null,
    retracted bigint not null,
    constraint ledger_days_key primary key (day, origin, shard),
    constraint ledger_days_balance check (taken = stored + duplicates + dead_lettered)
) with (fillfactor = 50);

create table eventpulse.stream_counters (
    counter text primary key,
    shard integer not null,
    accepted bigint not null,
    settled bigint not null,
    lost bigint not null default 0,
    first_seen_at timestamptz not null default clock_timestamp(),
    seen_at timestamptz not null default clock_timestamp(),
    constraint stream_counters_settled check (settled <= accepted)
) with (fillfactor = 50);

alter table eventpulse.dead_letters
    add column cause text not null default 'unreadable',
    add column event_id uuid,
    add column edited bytea,
    add column edited_at timestamptz,
    add column redriving_since timestamptz,
    add column closed_at timestamptz,
    drop constraint dead_letters_state,
    add constraint dead_letters_state check (state in ('open', 'redriving', 'redriven', 'discarded')),
    add constraint dead_letters_cause check (cause in ('unreadable', 'refused', 'future'));
create index dead_letters_to_do on eventpulse.dead_letters (dead_letter_id) where state in ('open', 'redriving');
"""

# Days of acceptance of what an earlier version took: the time in the ids of its stream entries, or of its commit.
WHAT_WAS_THERE = """
update eventpulse.dead_letters set closed_at = now() where state in ('redriven', 'discarded');
alter table eventpulse.dead_letters
    add constraint dead_letters_closed_when check ((state in ('redriven', 'discarded')) = (closed_at is not null));
update eventpulse.batches set
    first_day = (coalesce(to_timestamp(split_part(first_entry, '-', 1)::bigint / 1000.0), started_at)
                 at time zone 'UTC')::date,
    last_day = (coalesce(to_timestamp(split_part(last_entry, '-', 1)::bigint / 1000.0), started_at)
                at time zone 'UTC')::date;
insert into eventpulse.ledger_days
select last_day, origin, shard, count(*), sum(taken), sum(stored), sum(duplicates), sum(dead_lettered), 0, 0,
       sum(too_late), 0, 0, sum(anomalies), sum(retracted)
from eventpulse.batches group by last_day, origin, shard;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(WHAT_WAS_THERE)
