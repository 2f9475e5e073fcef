"""Let live detection and changes of history take turns, transaction by transaction.

Whoever stores events takes the lock shared, so that storing never waits for storing. Whoever replaces anomalies of the
past takes it alone, for as long as it takes to write one slice that has been computed already. Changes of history among
each other follow one after the other, from their beginning to their end.

Several drains store side by side and judge one after the other: the turn is a lock of its own, taken in the transaction
of the micro-batch and held until its end. Whoever has it sees all that was judged before.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep

import psycopg

_CLASS = 0x45564849
_STORING, _REWRITING, _JUDGING = 1, 2, 3
_LOOK_ON_SECONDS, _TRY_EVERY_SECONDS = 0.25, 0.002


def while_storing(connection: psycopg.Connection, *, in_turn: bool = False) -> None:
    """To be called first in a transaction that stores events or judges live; held until the transaction ends.

    With `in_turn` the turn to judge is taken as well.
    """
    if in_turn:
        both = "select pg_advisory_xact_lock_shared(%s, %s), pg_advisory_xact_lock(%s, %s)"
        connection.execute(both, (_CLASS, _STORING, _CLASS, _JUDGING))
    else:
        connection.execute("select pg_advisory_xact_lock_shared(%s, %s)", (_CLASS, _STORING))


def take_turn(connection: psycopg.Connection, look_on: Callable[[], object]) -> None:
    """Wait until nobody else judges live; held until the transaction ends. What others have judged is committed then,
    and seen by the next statement.

    `look_on` is called while others judge: what is learned of them meanwhile need not be learned in one's own turn. A
    drain that has looked on for long stands in the queue, where it is overtaken no more.
    """
    in_queue_from = monotonic() + _LOOK_ON_SECONDS
    while monotonic() < in_queue_from:
        look_on()
        row = connection.execute("select pg_try_advisory_xact_lock(%s, %s)", (_CLASS, _JUDGING)).fetchone()
        if row is not None and row[0]:
            return
        sleep(_TRY_EVERY_SECONDS)
    connection.execute("select pg_advisory_xact_lock(%s, %s)", (_CLASS, _JUDGING))


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
def rewriting_history(connection: psycopg.Connection, on_waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Wait until nobody else changes history, and hold others back until the block ends. `on_waiting` is called where
    somebody does."""
    if on_waiting is not None:
        row = connection.execute("select pg_try_advisory_lock(%s, %s)", (_CLASS, _REWRITING)).fetchone()
        if row is None or not row[0]:
            on_waiting()
            connection.execute("select pg_advisory_lock(%s, %s)", (_CLASS, _REWRITING))
    else:
        connection.execute("select pg_advisory_lock(%s, %s)", (_CLASS, _REWRITING))
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("select pg_advisory_unlock(%s, %s)", (_CLASS, _REWRITING))
