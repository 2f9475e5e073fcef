"""Prepare new rules that look back for ever beside live detection, so that nobody waits while history is read.

A rule is evaluated from when it is prepared; what lies before that is history, which a backfill evaluates.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import psycopg

from eventpulse.database.events.history import events_of_batches, newest_stored, oldest_stored
from eventpulse.database.events.kept_events import kept_for
from eventpulse.database.ledger.ledger import present, turns_after
from eventpulse.database.rules.preparing import say_preparing
from pipelines.live.keep_events import can_be_handed_on
from pipelines.live.recall import build_memory
from rules.evaluation import paths_of, select_rows
from rules.fields import with_fields
from rules.micro_batches.memory import Memory, add_past
from rules.reach import reach
from rules.rule import Rule

#: So much history is read at once; nobody notices.
SHORT_PAST = timedelta(days=1)
_ASK_AGAIN_SECONDS = 0.1
#: An import has up to 20,000 events in each.
_BATCHES_AT_ONCE = 20


class Preparations:
    """Reads, over a connection of its own, what new rules need of the past, one rule after the other. `say` is told
    what begins and ends."""

    def __init__(
        self, connect: Callable[[], psycopg.Connection], hot: timedelta, say: Callable[[str], None] = lambda said: None
    ) -> None:
        self._connect = connect
        self._hot = hot
        self._say = say
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="prepare rules")
        self._begun: dict[tuple[UUID, str], Future[_Read]] = {}
        self._reading: psycopg.Connection | None = None

    def memory_of(
        self, connection: psycopg.Connection, rule: Rule, turn: int, *, besides: int | None = None
    ) -> Memory | None:
        """The memory of a rule up to a turn; None while its past is being read, which begins now where it has to.
        Raises what went wrong with that."""
        key = (rule.rule_id, rule.semantic_hash)
        begun = self._begun.get(key)
        if begun is None:
            if not _needs_all_of_a_long_past(connection, rule) or kept_for(connection, *key) is not None:
                return build_memory(connection, rule, None, self._hot, besides=besides)
            self._say(f"Rule {rule.name} looks back over all of history. That is read first; the others are evaluated.")
            self._begun[key] = self._pool.submit(self._read, rule)
            return None
        if not begun.done():
            return None
        del self._begun[key]
        memory = _up_to(connection, rule, begun.result(), turn, self._hot)
        self._say(f"Rule {rule.name} knows its past and is evaluated from now on.")
        return memory

    def stop(self) -> None:
        """Give up what has not been prepared. Whoever leads next begins anew."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        while wait([one for one in self._begun.values() if one.running()], _ASK_AGAIN_SECONDS).not_done:
            if self._reading is not None:
                self._reading.cancel_safe(timeout=1.0)
        self._begun.clear()

    def _read(self, rule: Rule) -> "_Read":
        with self._connect() as connection:
            self._reading = connection
            say_preparing(connection, rule.rule_id)
            with connection.transaction():
                connection.execute("set transaction isolation level repeatable read")
                read = _Read(present(connection).turn, build_memory(connection, rule, None, self._hot))
            self._reading = None
        return read


@dataclass(frozen=True)
class _Read:
    """What was found in history as it was at a turn."""

    turn: int
    memory: Memory


def _up_to(connection: psycopg.Connection, rule: Rule, read: _Read, turn: int, hot: timedelta) -> Memory:
    """What was read, and what has come since."""
    scope, memory = reach(rule), read.memory
    since = [batch.batch_id for batch in turns_after(connection, read.turn, turn) if batch.stored]
    for start in range(0, len(since), _BATCHES_AT_ONCE):
        batch_ids = since[start : start + _BATCHES_AT_ONCE]
        events = events_of_batches(connection, batch_ids, scope.event_types, scope.sources)
        rows = select_rows(rule, with_fields(events, paths_of([rule])))
        if not rows.is_empty():
            memory = add_past(rule, memory, rows, hot, counts=True)
    return memory


def _needs_all_of_a_long_past(connection: psycopg.Connection, rule: Rule) -> bool:
    if not can_be_handed_on(rule):
        return False
    scope = reach(rule)
    oldest = oldest_stored(connection, scope.event_types, scope.sources)
    newest = newest_stored(connection, scope.event_types, scope.sources)
    return oldest is not None and newest is not None and newest - oldest > SHORT_PAST
