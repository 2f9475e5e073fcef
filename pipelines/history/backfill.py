"""Fill history in: decide which stretches rules have not evaluated yet, and evaluate them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import psycopg

from eventpulse.clock import Clock, utc_now
from eventpulse.database.anomalies.coverage import days_with_events, evaluated_on, start_of
from eventpulse.database.events.history_slices import count_events, stored_between
from eventpulse.database.events.removed_days import removed_days
from eventpulse.settings import Settings
from pipelines.history.reevaluate import Passed, Reevaluation, meanings
from pipelines.history.walk_history import of_rules
from pipelines.history.whole_days import is_whole
from rules.rule import Rule

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Piece:
    """A stretch of history that some rules are to evaluate, and how many events they look at there."""

    start: datetime
    end: datetime
    rules: Sequence[Rule]
    events: int


@dataclass(frozen=True)
class Backfill:
    """A change of history over one connection of its own. `origin` marks what it finds: backfill or rerun."""

    connection: psycopg.Connection
    settings: Settings
    origin: str = "backfill"
    run_id: str | None = None
    clock: Clock = utc_now
    #: Whether somebody asked to be told of the alerts of history.
    asked: bool = False

    def plan(self, rules: Sequence[Rule], start: datetime, end: datetime, *, again: bool = False) -> list[Piece]:
        """What is to be evaluated between two instants: what has not been, or everything `again` of which all events
        are still there."""
        stored = stored_between(self.connection)
        if stored is None or not rules:
            return []
        start, end = max(start, start_of(stored[0].date())), min(end, max(stored[1], self.clock()))
        if start >= end:
            return []
        days = days_with_events(self.connection, start, end)
        if not again:
            return [self._piece(*stretch, of) for stretch, of in _joined(self._gaps(rules, days, start, end))]
        removed = removed_days(self.connection)
        if not removed:
            return [self._piece(start, end, rules)] if days else []
        return [self._piece(*stretch, of) for stretch, of in _joined(_whole(rules, days, start, end, removed))]

    def run(self, pieces: Sequence[Piece]) -> Iterator[Passed]:
        """Evaluate piece by piece, slice by slice. What has been passed needs not be evaluated again."""
        for piece in pieces:
            again = Reevaluation(
                self.connection,
                piece.rules,
                self.origin,
                self.run_id,
                idle=timedelta(seconds=self.settings.idle_seconds),
                lateness=timedelta(seconds=self.settings.lateness_seconds),
                clock=self.clock,
                asked=self.asked,
            )
            yield from again.over(piece.start, piece.end)

    def _piece(self, start: datetime, end: datetime, rules: Sequence[Rule]) -> Piece:
        return Piece(start, end, rules, count_events(self.connection, start, end, of_rules(rules)))

    def _gaps(
        self, rules: Sequence[Rule], days: Sequence[date], start: datetime, end: datetime
    ) -> Iterator[tuple[datetime, datetime, list[Rule]]]:
        """What has not been evaluated of each day, for which rules, in order."""
        if not days:
            return
        evaluated = evaluated_on(self.connection, meanings(rules), days[0], days[-1])
        for day in days:
            first, last = max(start, start_of(day)), min(end, start_of(day) + _DAY)
            lacking: dict[tuple[datetime, datetime], list[Rule]] = {}
            for rule in rules:
                position = first
                for part in evaluated.get((rule.rule_id, day), []):
                    if position < min(part.start, last):
                        lacking.setdefault((position, min(part.start, last)), []).append(rule)
                    position = max(position, part.end)
                if position < last:
                    lacking.setdefault((position, last), []).append(rule)
            yield from ((*gap, of) for gap, of in sorted(lacking.items(), key=lambda each: each[0]))


def _whole(
    rules: Sequence[Rule], days: Sequence[date], start: datetime, end: datetime, removed: Sequence[date]
) -> Iterator[tuple[datetime, datetime, list[Rule]]]:
    """Each day with the rules that find there everything that they found the first time."""
    for day in days:
        if whole := [rule for rule in rules if is_whole(rule, day, removed)]:
            yield max(start, start_of(day)), min(end, start_of(day) + _DAY), whole


def _joined(
    gaps: Iterator[tuple[datetime, datetime, list[Rule]]],
) -> list[tuple[tuple[datetime, datetime], list[Rule]]]:
    """Gaps of the same rules on consecutive days with events as one, with the days without events between them."""
    joined: list[tuple[tuple[datetime, datetime], list[Rule]]] = []
    for start, end, rules in gaps:
        if joined:
            (first, last), before = joined[-1]
            if before == rules and last == start_of(last.date()) and start == start_of(start.date()):
                joined[-1] = ((first, end), rules)
                continue
        joined.append(((start, end), rules))
    return joined
