"""Let live detection and changes of history take turns, transaction by transaction.

Whoever stores events takes the lock shared, so that storing never waits for storing. Whoever replaces anomalies of the
past takes it alone, for as long as it takes to write one slice that has been computed already. Changes of history among
each other follow one after the other, from their beginning to their end.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

_CLASS = 0x45564849
_STORING, _REWRITING = 1, 2


def while_storing(connection: psycopg.Connection) -> None:
    """To be called first in a transaction that stores events or judges live; held until the transaction ends."""
    connection.execute("select pg_advisory_xact_lock_shared(%s, %s)", (_CLASS, _STORING))


def while_nothing_is_stored(connection: psycopg.Connection) -> None:
    """To be called first in a transaction that nobody shall store events beside; held until the transaction ends."""
    connection.execute("select pg_advisory_xact_lock(%s, %s)", (_CLASS, _STORING))


def newest_batch_of_all(connection: psycopg.Connection) -> int:
    """The newest micro-batch, when no transaction is under way that could still commit an older one."""
    with connection.transaction():
        while_nothing_is_stored(connection)
        row = connection.execute("select coalesce(max(batch_id), 0) from eventpulse.batches").fetchone()
    return row[0] if row else 0


@contextmanager
def rewriting_history(connection: psycopg.Connection) -> Iterator[None]:
    """Wait until nobody else changes history, and hold others back until the block ends."""
    connection.execute("select pg_advisory_lock(%s, %s)", (_CLASS, _REWRITING))
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("select pg_advisory_unlock(%s, %s)", (_CLASS, _REWRITING))
