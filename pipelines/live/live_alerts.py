"""Alerts of the micro-batches of one drain: what its detector knows of them, and what each batch changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import psycopg

from eventpulse.clock import Clock
from pipelines.keep_alerts import AlertChanges, AlertKeeping, Told
from pipelines.live.find_anomalies import Detector, Found


@dataclass
class LiveAlerts:
    """The alerts of a leading drain. `idle`: after so long without events of a rule, the clock ends its alerts."""

    connection: psycopg.Connection
    detector: Detector
    clock: Clock
    idle: timedelta
    run_id: str | None

    def wait_for_time(self) -> bool:
        """Whether any alert is over by now, or belongs to a rule that is gone."""
        alerts, now = self.detector.alerts, self.clock()
        return bool(alerts.gone) or any(
            alerts.due(rule_id, alerts.through(rule_id, self.detector.newest_of(rule_id), now, self.idle))
            for rule_id in alerts.rules
        )

    def begin(self, found: Found, batch_id: int) -> AlertKeeping:
        """Find out which alerts a batch changes, and open those that are new, before its anomalies are written."""
        findings, now = found.findings, self.clock()
        origins = _origins(found)

        def through(rule_id: UUID) -> datetime | None:
            memory = findings.memories.get(rule_id)
            newest = None if memory is None else memory.newest
            return self.detector.alerts.through(rule_id, newest, now, self.idle, arriving=rule_id in found.accepted)

        keeping = AlertKeeping(
            self.connection,
            batch_id=batch_id,
            run_id=self.run_id,
            through=through,
            origin_of=lambda anomaly_id: origins.get(anomaly_id, "late"),
        )
        if self.detector.alerts.gone:
            keeping.remove(self.detector.alerts.gone)
        told = [Told(self.detector.rules[rule_id], spans) for rule_id, spans in findings.spans.items()]
        keeping.follow(told, new=origins, retracted=findings.retracted)
        return keeping

    def finish(self, keeping: AlertKeeping, found: Found) -> AlertChanges:
        """Write down what has become of alerts, after the anomalies."""
        alerts = self.detector.alerts
        if due := [one for rule_id in alerts.rules for one in alerts.due(rule_id, keeping.through(rule_id))]:
            keeping.end_due(due)
        return keeping.finish(stored_with_alert=found.findings.anomalies["anomaly_id"])

    def keep(self, changes: AlertChanges, found: Found) -> None:
        """Remember it, once it is committed."""
        self.detector.alerts.keep(changes.rows, changes.ended, found.accepted, self.clock())


def _origins(found: Found) -> Mapping[str, str]:
    new = found.findings.anomalies
    if new.is_empty():
        return {}
    return {anomaly_id: "late" if late else "live" for anomaly_id, late in new.select("anomaly_id", "late").iter_rows()}
