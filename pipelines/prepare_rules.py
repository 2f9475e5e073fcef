"""Prepare new rules that look back for ever beside live detection, so that nobody waits while history is read.

A rule is evaluated from when it is prepared; what lies before that is history, which a backfill evaluates.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from uuid import UUID

import psycopg

from eventpulse.database.history import newest_stored, oldest_stored
from eventpulse.database.kept_events import kept_for
from eventpulse.database.ledger import present
from pipelines.keep_events import keep_events, lists_groups
from pipelines.recall import build_memory
from rules.evaluation import FOREVER, look_back
from rules.reach import reach
from rules.rule import Rule

#: So much history is read at once; nobody notices.
SHORT_PAST = timedelta(days=1)
_ASK_AGAIN_SECONDS = 0.1


class Preparations:
    """Reads, over a connection of its own, what new rules need of the past, one rule after the other, and writes it
    down. `say` is told what begins and ends."""

    def __init__(
        self, connect: Callable[[], psycopg.Connection], hot: timedelta, say: Callable[[str], None] = lambda said: None
    ) -> None:
        self._connect = connect
        self._hot = hot
        self._say = say
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="prepare rules")
        self._begun: dict[tuple[UUID, str], Future[None]] = {}
        self._reading: psycopg.Connection | None = None

    def is_ready(self, connection: psycopg.Connection, rule: Rule) -> bool:
        """Whether what a rule needs of the past can be read at once. Where not, that is prepared from now on. Raises
        what went wrong with it."""
        key = (rule.rule_id, rule.semantic_hash)
        if (begun := self._begun.get(key)) is not None:
            if not begun.done():
                return False
            del self._begun[key]
            begun.result()
            self._say(f"Rule {rule.name} knows its past and is evaluated from now on.")
            return True
        if not _needs_all_of_a_long_past(connection, rule) or kept_for(connection, *key) is not None:
            return True
        self._say(f"Rule {rule.name} looks back over all of history. That is read first; the others are evaluated.")
        self._begun[key] = self._pool.submit(self._prepare, rule)
        return False

    def stop(self) -> None:
        """Give up what has not been prepared. Whoever leads next begins anew."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        while wait([one for one in self._begun.values() if one.running()], _ASK_AGAIN_SECONDS).not_done:
            if self._reading is not None:
                self._reading.cancel_safe(timeout=1.0)
        self._begun.clear()

    def _prepare(self, rule: Rule) -> None:
        with self._connect() as connection:
            self._reading = connection
            with connection.transaction():
                connection.execute("set transaction isolation level repeatable read")
                turn = present(connection).turn
                memory = build_memory(connection, rule, None, self._hot)
                keep_events(connection, {rule.rule_id: rule}, {rule.rule_id: memory}, turn, self._hot)
            self._reading = None


def _needs_all_of_a_long_past(connection: psycopg.Connection, rule: Rule) -> bool:
    if look_back(rule) != FOREVER or lists_groups(rule):
        return False
    scope = reach(rule)
    oldest = oldest_stored(connection, scope.event_types, scope.sources)
    newest = newest_stored(connection, scope.event_types, scope.sources)
    return oldest is not None and newest is not None and newest - oldest > SHORT_PAST
