"""Leadership of a drain, or of the sender: a PostgreSQL session advisory lock on the very connection that writes.

No lock, no writes: the lock falls the instant its process or connection dies, and a transaction on that connection dies
with it. Who holds the lock, and who waits for it, is read from pg_locks, so nothing can disagree with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from sqlalchemy import Engine, text


@dataclass(frozen=True)
class Duty:
    """What one process at a time does: the class of its lock, and how its connections are named."""

    lock_class: int
    prefix: str


DRAIN = Duty(0x45564450, "eventpulse drain ")
SEND = Duty(0x4556534E, "eventpulse sender ")
#: How many drains are wanted where there are no shards: one leads, one stands by.
WANTED = 2
#: So many leaders share one standby: it takes a whole process, and leaders seldom end at the same time.
_LEADERS_A_STANDBY = 8


def drains_wanted(shards: int) -> int:
    """How many drains so many shards want: each has a leader, and for every eight of them one stands by."""
    return shards + -(-shards // _LEADERS_A_STANDBY)


@dataclass(frozen=True)
class Contender:
    """A process that drains a shard or stands by to. `backend_pid` is its connection's process in PostgreSQL; `shards`
    are those it leads, one as a rule."""

    run_id: str
    leads: bool
    backend_pid: int
    shards: tuple[int, ...] = ()


@dataclass(frozen=True)
class Lease:
    """Until when the leader of a shard means to lead."""

    run_id: str
    leads_since: datetime
    lease_until: datetime
    heartbeat_at: datetime


def application_name(run_id: str, duty: Duty = DRAIN) -> str:
    """The name under which a run's connection is seen; Dagster's run id fits into PostgreSQL's 63 bytes."""
    return duty.prefix + run_id


def wait_for_leadership(
    connection: psycopg.Connection, shard: int, *, at_most_milliseconds: int, duty: Duty = DRAIN
) -> bool:
    """Stand in the queue for the shard's lock; true once this connection holds it, which follows a release within
    milliseconds. False after the given time: the caller looks around and asks again."""
    try:
        connection.execute(f"set lock_timeout = {int(at_most_milliseconds)}")
        connection.execute("select pg_advisory_lock(%s, %s)", (duty.lock_class, shard))
    except psycopg.errors.LockNotAvailable:
        return False
    connection.execute("set lock_timeout = 0")
    return True


def release_leadership(connection: psycopg.Connection, shard: int, duty: Duty = DRAIN) -> None:
    """Let the next in the queue lead, at once."""
    connection.execute("select pg_advisory_unlock(%s, %s)", (duty.lock_class, shard))


def somebody_waits(connection: psycopg.Connection, shard: int, duty: Duty = DRAIN) -> bool:
    """Whether a standby is in the queue for the lock."""
    row = connection.execute(
        "select exists (select from pg_locks where locktype = 'advisory' and not granted and classid = %s"
        " and objid = %s and database = (select oid from pg_database where datname = current_database()))",
        (duty.lock_class, shard),
    ).fetchone()
    return bool(row and row[0])


def lead_any(connection: psycopg.Connection, shards: Sequence[int]) -> int | None:
    """Take the lead of one of some shards that nobody leads; None where all are led."""
    row = connection.execute(
        "select shard from unnest(%s::int[]) as shard where pg_try_advisory_lock(%s, shard) limit 1",
        (list(shards), DRAIN.lock_class),
    ).fetchone()
    return row[0] if row is not None else None


def ends_first(connection: psycopg.Connection, shards: Sequence[int]) -> int:
    """The shard among some whose leader's lease ends first."""
    row = connection.execute(
        "select shard from eventpulse.drain_leases where shard = any(%s) order by lease_until limit 1", (list(shards),)
    ).fetchone()
    return row[0] if row is not None else shards[0]


def enough_others(connection: psycopg.Connection, wanted: int = WANTED) -> bool:
    """Whether there are all the drains that are wanted without this one: leaders, and those that were there before."""
    row = connection.execute(
        """
        select count(*) from pg_stat_activity a join pg_stat_activity me on me.pid = pg_backend_pid()
        where a.datname = current_database() and a.application_name like %(prefix)s and a.pid <> me.pid
          and ((a.backend_start, a.pid) < (me.backend_start, me.pid)
               or exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory' and l.granted
                          and l.classid = %(class)s))
        """,
        {"prefix": DRAIN.prefix + "%", "class": DRAIN.lock_class},
    ).fetchone()
    return row is not None and row[0] >= wanted


def contenders(engine: Engine, shard: int, duty: Duty = DRAIN) -> list[Contender]:
    """The leader first, then those who wait or get ready to, in no particular order.

    Whoever is connected counts: a standby leaves the lock's queue now and then to look around.
    """
    query = text(
        """
        select substr(a.application_name, :skip) as run_id, coalesce(l.granted, false) as leads, a.pid as backend_pid
        from pg_stat_activity a left join pg_locks l
          on l.pid = a.pid and l.locktype = 'advisory' and l.classid = :class and l.objid = :shard and l.objsubid = 2
        where a.datname = current_database() and (l.pid is not null or a.application_name like :prefix || '%')
        order by leads desc
        """
    )
    parameters = {
        "skip": len(duty.prefix) + 1,
        "class": duty.lock_class,
        "shard": shard,
        "prefix": duty.prefix,
    }
    with engine.connect() as connection:
        return [Contender(**row) for row in connection.execute(query, parameters).mappings()]


def everybody(engine: Engine) -> list[Contender]:
    """All drains, whatever shards they lead or stand by for; leaders first."""
    query = text(
        """
        select substr(a.application_name, :skip) as run_id, count(l.pid) > 0 as leads, a.pid as backend_pid,
            array_remove(array_agg(l.objid::int order by l.objid), null) as shards
        from pg_stat_activity a left join pg_locks l
          on l.pid = a.pid and l.locktype = 'advisory' and l.classid = :class and l.objsubid = 2 and l.granted
        where a.datname = current_database() and (l.pid is not null or a.application_name like :prefix || '%')
        group by a.application_name, a.pid order by leads desc, a.pid
        """
    )
    parameters = {"skip": len(DRAIN.prefix) + 1, "class": DRAIN.lock_class, "prefix": DRAIN.prefix}
    with engine.connect() as connection:
        rows = connection.execute(query, parameters).mappings()
        return [Contender(**{**row, "shards": tuple(row["shards"])}) for row in rows]


def take_lease(connection: psycopg.Connection, shard: int, run_id: str, lease_seconds: float) -> Lease:
    """Write down who leads now, and until when."""
    row = connection.execute(
        """
        insert into eventpulse.drain_leases as l (shard, dagster_run_id, leads_since, lease_until, heartbeat_at)
        values (%(shard)s, %(run)s, clock_timestamp(), clock_timestamp() + %(seconds)s * interval '1 second',
                clock_timestamp())
        on conflict (shard) do update set dagster_run_id = excluded.dagster_run_id, leads_since = excluded.leads_since,
            lease_until = excluded.lease_until, heartbeat_at = excluded.heartbeat_at
        returning dagster_run_id, leads_since, lease_until, heartbeat_at
        """,
        {"shard": shard, "run": run_id, "seconds": lease_seconds},
    ).fetchone()
    assert row is not None
    return Lease(*row)


def beat(connection: psycopg.Connection, shard: int) -> None:
    """Renew the leader's sign of life."""
    connection.execute("update eventpulse.drain_leases set heartbeat_at = clock_timestamp() where shard = %s", (shard,))


def current_leases(engine: Engine) -> dict[int, Lease]:
    """The last lease that was written down for each shard; whether its holder still lives, `everybody` tells."""
    query = text("select shard, dagster_run_id, leads_since, lease_until, heartbeat_at from eventpulse.drain_leases")
    with engine.connect() as connection:
        return {shard: Lease(*lease) for shard, *lease in connection.execute(query)}
