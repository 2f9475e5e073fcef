"""Alerts of history that is evaluated again: slice by slice, in the transactions that make its anomalies stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import polars as pl
import psycopg

from eventpulse.database.alerts.alerts import groups_with_alerts
from eventpulse.database.events.history_slices import Stretch
from pipelines.keep_alerts import AlertChanges, AlertKeeping, Told
from rules.alerting.spans import Spans, part_of
from rules.micro_batches.detection import Watched
from rules.rule import Rule

_ONE_MICROSECOND = timedelta(microseconds=1)


@dataclass
class HistoryAlerts:
    """The alerts of one reevaluation, from slice to slice. `asked`: somebody wants to hear of them."""

    connection: psycopg.Connection
    origin: str
    run_id: str | None
    asked: bool = False
    #: Those it has changed that go on behind the slices so far, with the instant at which they will have ended.
    _going_on: dict[str, datetime] = field(default_factory=dict)

    def watched(self, rules: Sequence[Rule], stretch: Stretch) -> dict[UUID, Watched]:
        """The groups whose alerts a slice can change."""
        meanings = {rule.rule_id: rule.semantic_hash for rule in rules}
        groups = groups_with_alerts(self.connection, meanings, stretch.start, stretch.end)
        return {rule_id: Watched(of_rule) for rule_id, of_rule in groups.items()}

    def make_stand(
        self,
        rules: Sequence[Rule],
        spans: Mapping[UUID, Spans],
        part: Stretch,
        computed: pl.DataFrame,
        *,
        inserted: Sequence[str],
        left: Sequence[str],
        batch_id: int,
        through: datetime,
        present: datetime,
    ) -> AlertChanges:
        """Bring the alerts of one part of a slice into step with its anomalies, in their transaction; what that
        changed. `through` is how far it is known which alerts have ended,
        `present` how far time has come since."""
        keeping = AlertKeeping(
            self.connection,
            batch_id=batch_id,
            run_id=self.run_id,
            through=lambda rule_id: through,
            origin_of=lambda anomaly_id: self.origin,
            asked=self.asked,
            until=part.end,
            present=present,
        )
        anomalies = computed["anomaly_id"]
        told = [
            Told(rule, part_of(spans[rule.rule_id], part.start, part.end, anomalies))
            for rule in rules
            if rule.rule_id in spans
        ]
        keeping.follow(told, new=inserted, left=left)
        if ended := [alert_id for alert_id, due_at in self._going_on.items() if due_at <= through]:
            keeping.end_due(ended)
            for alert_id in ended:
                del self._going_on[alert_id]
        changes = keeping.finish()
        for row in changes.rows:
            self._going_on.pop(row.alert_id, None)
            if row.state != "resolved" and row.due_at is not None:
                self._going_on[row.alert_id] = row.due_at
        return changes


def known_through(stretch: Stretch, watermark: datetime) -> datetime:
    """Up to which instant a slice tells what has ended."""
    return min(stretch.end - _ONE_MICROSECOND, watermark)
