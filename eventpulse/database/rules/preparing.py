"""Which rules wait until their long past has been read: said by a lock, which ends with whoever reads it."""

from uuid import UUID

import psycopg

_CLASS = 0x45565052
#: Whose pasts are being read: a part of a query that begins with `with`, and a condition on `rules` that asks of it.
#: Two ids may share a number; then the other rule is shown as being prepared too, and nothing follows from that.
PREPARING = f"""preparing as materialized (
    select objid from pg_locks where locktype = 'advisory' and classid = {_CLASS} and objsubid = 2
        and database = (select oid from pg_database where datname = current_database())
)"""
IS_BEING_PREPARED = "(hashtext(cast(rules.rule_id as text))::bigint & 4294967295)::oid in (select objid from preparing)"


def say_preparing(connection: psycopg.Connection, rule_id: UUID) -> None:
    """Say that a rule's past is being read, for as long as the connection lasts."""
    connection.execute("select pg_advisory_lock_shared(%s, hashtext(%s::text))", (_CLASS, rule_id))
