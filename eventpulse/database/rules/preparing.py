"""Which rules wait until their long past has been read: said by a lock, which ends with whoever reads it."""

from uuid import UUID

import psycopg

_CLASS = 0x45565052
#: A condition on `rules`: somebody reads the past of that rule. Two ids may share a number; then the other rule is
#: shown as being prepared for a while, and nothing follows from that.
IS_BEING_PREPARED = f"""exists (
    select from pg_locks l where l.locktype = 'advisory' and l.classid = {_CLASS} and l.objsubid = 2
        and l.objid = (hashtext(cast(rules.rule_id as text))::bigint & 4294967295)::oid
        and l.database = (select oid from pg_database where datname = current_database())
)"""


def say_preparing(connection: psycopg.Connection, rule_id: UUID) -> None:
    """Say that a rule's past is being read, for as long as the connection lasts."""
    connection.execute("select pg_advisory_lock_shared(%s, hashtext(%s::text))", (_CLASS, rule_id))
