"""What a drain knows by heart of the alerts that have not ended, so that a batch that concerns none costs nothing.

It is read from PostgreSQL when a drain begins to lead, and again with every change of the rule book, which is raised
too when history is changed behind live detection. What people do to alerts meanwhile is seen when they are touched.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from uuid import UUID

import psycopg

from eventpulse.database.alerts.alerts import AlertRow, ended_through, unresolved
from rules.micro_batches.detection import Watched
from rules.rule import Rule
from rules.window import earlier


@dataclass(frozen=True)
class _Open:
    rule_id: UUID
    group: str
    due_at: datetime | None


class OpenAlerts:
    """The alerts that have not ended, and until when each rule's alerts are known to have."""

    def __init__(self, lateness: timedelta) -> None:
        self._lateness = lateness
        self._begun_at: datetime | None = None
        self._known: int | None = None
        self._open: dict[str, _Open] = {}
        self._groups: dict[UUID, Counter[str]] = {}
        self._due: dict[UUID, list[tuple[datetime, str]]] = {}
        self._ended_through: dict[UUID, datetime] = {}
        self._arrived: dict[UUID, datetime] = {}
        #: Alerts whose rule is gone or means something else by now.
        self.gone: list[AlertRow] = []

    def is_at(self, known: int) -> bool:
        """Whether everything was read on this occasion already."""
        return self._known == known

    def follow(
        self,
        connection: psycopg.Connection,
        known: int,
        rules: Mapping[UUID, Rule],
        enabled: Set[UUID],
        newest: Mapping[UUID, datetime | None],
    ) -> None:
        """Read everything anew, since somebody else may have changed it; `known` is the number of that occasion."""
        if self._known is None:
            self._ended_through = ended_through(connection)
        else:
            for rule_id, instant in newest.items():
                if instant is not None:
                    self._ended_at(rule_id, instant)  # what others have ended since is hardly later than this
        self._open, self._groups, self._due, self.gone = {}, {}, {}, []
        for row in unresolved(connection):
            rule = rules.get(row.rule_id)
            if row.rule_id not in enabled or (rule is not None and rule.semantic_hash != row.meaning):
                self.gone.append(row)
            else:
                self._note(row)
        self._known = known

    def watched(self) -> dict[UUID, Watched]:
        """What detection has to know of each rule's alerts."""
        rules = self._groups.keys() | self._ended_through.keys()
        return {
            rule_id: Watched(self._groups.get(rule_id, Counter()).keys(), self._ended_through.get(rule_id))
            for rule_id in rules
        }

    def through(
        self, rule_id: UUID, newest: datetime | None, now: datetime, idle: timedelta, *, arriving: bool = False
    ) -> datetime | None:
        """Up to which instant a rule's alerts have ended if they were over by then.

        As long as the rule's events come, that is told by their own time, so that an old log is taken as it was. Once
        none has come for a while, the clock tells.
        """
        self._begun_at = self._begun_at or now
        quiet_since = now if arriving else self._arrived.get(rule_id, self._begun_at)
        known = None if newest is None else earlier(newest, self._lateness)
        if now - quiet_since < idle:
            return known
        return max(filter(None, (known, now - idle)))

    def due(self, rule_id: UUID, through: datetime | None) -> list[str]:
        """The alerts of a rule that are over by an instant."""
        if through is None or rule_id not in self._due:
            return []
        heap, found = self._due[rule_id], list[str]()
        for due_at, alert_id in sorted(heap) if heap and heap[0][0] <= through else ():
            if due_at > through:
                break
            if self._is_due(due_at, alert_id):
                found.append(alert_id)
        return found

    @property
    def rules(self) -> list[UUID]:
        """The rules with alerts that may end."""
        return list(self._due)

    def keep(self, rows: Iterable[AlertRow], ended: Iterable[str], arrived: Iterable[UUID], now: datetime) -> None:
        """Remember what a transaction has changed, once it is committed. `ended` have ended, by whomever."""
        self.gone = []
        for rule_id in arrived:
            self._arrived[rule_id] = now
        for alert_id in ended:
            self._forget(alert_id)
        for row in rows:
            self._forget(row.alert_id)
            if row.state != "resolved":
                self._note(row)
            elif row.gathers and row.due_at is not None:
                self._ended_at(row.rule_id, row.due_at)

    def _note(self, row: AlertRow) -> None:
        self._open[row.alert_id] = _Open(row.rule_id, row.group, row.due_at)
        self._groups.setdefault(row.rule_id, Counter())[row.group] += 1
        if row.due_at is not None:
            heappush(self._due.setdefault(row.rule_id, []), (row.due_at, row.alert_id))

    def _forget(self, alert_id: str) -> None:
        known = self._open.pop(alert_id, None)
        if known is None:
            return
        groups = self._groups[known.rule_id]
        groups[known.group] -= 1
        if groups[known.group] <= 0:
            del groups[known.group]
        heap = self._due.get(known.rule_id, [])
        while heap and not self._is_due(*heap[0]):
            heappop(heap)

    def _is_due(self, due_at: datetime, alert_id: str) -> bool:
        """Whether a line of the heap still holds."""
        known = self._open.get(alert_id)
        return known is not None and known.due_at == due_at

    def _ended_at(self, rule_id: UUID, instant: datetime) -> None:
        before = self._ended_through.get(rule_id)
        self._ended_through[rule_id] = instant if before is None else max(before, instant)
