"""Keep in PostgreSQL how far the counter of accepted events has got, so that a Redis that forgets is found out."""

import psycopg

from eventpulse.stream.counter import Counter

# A ledger that knows no counter has begun with a Redis that was there before it: the first micro-batch tells where.
_NOTE = """
insert into eventpulse.stream_counters as c (counter, shard, accepted, settled)
select %(counter)s, %(shard)s, %(accepted)s, 0 where exists (select from eventpulse.stream_counters)
on conflict (counter) do update set
    lost = c.lost + greatest(c.accepted - greatest(c.settled, excluded.accepted), 0),
    accepted = excluded.accepted, settled = least(c.settled, excluded.accepted), seen_at = clock_timestamp()
"""


def note_counter(
    connection: psycopg.Connection, shard: int, now: Counter | None, noted: Counter | None
) -> Counter | None:
    """Write down how far the counter has got, where that is news; gives what is noted then.

    For the leader alone, between two micro-batches. A counter that went back has lost what it had accepted and the
    ledger does not know. A counter that is replaced by another one keeps what was last seen of it: what it had accepted
    beyond what is settled is lost as well.
    """
    if now is None or (noted is not None and (now.counter, now.accepted) == (noted.counter, noted.accepted)):
        return noted
    connection.execute(_NOTE, {"counter": now.counter, "shard": shard, "accepted": now.accepted})
    return now
