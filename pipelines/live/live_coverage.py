"""Write down what live detection has evaluated: cheaply, since it is asked with every micro-batch."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import psycopg

from eventpulse.database.anomalies.coverage import Meaning, extend_days, live_on, open_day, start_of, stored_on_before
from rules.rule import Rule

#: How often it is written down how far the open days have got.
NOTE_EVERY = timedelta(seconds=30)
#: A batch that brings more new days than this leaves the oldest to backfills: timestamps come from clients.
MOST_DAYS = 50


class LiveCoverage:
    """What one drain has written down already. Nothing counts before `keep`, so that a batch that fails changes
    nothing."""

    def __init__(self) -> None:
        self._active: frozenset[Meaning] = frozenset()
        self._open: set[tuple[Meaning, date]] = set()
        self._noted_at: datetime | None = None
        self._next: tuple[frozenset[Meaning], set[tuple[Meaning, date]], datetime | None] = (frozenset(), set(), None)

    def note(
        self,
        connection: psycopg.Connection,
        rules: Iterable[Rule],
        days: Iterable[date],
        watermark: datetime,
        now: datetime,
    ) -> None:
        """Open the days of a batch for the rules that meet them for the first time; extend what is open now and then,
        and whenever the rules are others. To be called in the batch's transaction, before its events are stored."""
        active = frozenset(Meaning(rule.rule_id, rule.semantic_hash, rule.version) for rule in rules)
        noted_at = self._noted_at
        if active != self._active or noted_at is None or now - noted_at >= NOTE_EVERY:
            extend_days(connection, list(active), watermark)
            noted_at = now
        known = {each for each in self._open if each[0] in active} if active != self._active else self._open
        unmet = [day for day in days if any((each, day) not in known for each in active)]
        for day in sorted(unmet, reverse=True)[:MOST_DAYS]:
            _open_day(connection, {each for each in active if (each, day) not in known}, day, watermark)
        opened = {(each, day) for day in unmet for each in active}
        self._next = (active, known | opened if opened else known, noted_at)

    def keep(self) -> None:
        """The batch is committed."""
        self._active, self._open, self._noted_at = self._next


def _open_day(connection: psycopg.Connection, rules: set[Meaning], day: date, watermark: datetime) -> None:
    at_it = live_on(connection, day)
    unmet = [each for each in rules if (each.rule_id, each.semantic_hash) not in at_it]
    if unmet:
        # What was stored of the day before a rule came is not evaluated by it.
        since = stored_on_before(connection, day) or start_of(day)
        open_day(connection, unmet, day, since, watermark)
