"""What Dagster is told of days that have been evaluated again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import dagster as dg
import psycopg

from eventpulse.database.anomalies.coverage import start_of
from pipelines.history.history_tally import HistoryTally
from pipelines.history.told_days import Said, told_of_alerts, told_of_anomalies

_DAY = timedelta(days=1)


@dataclass
class HistoryReport:
    """Reports on the chosen days, in order, from what a tally has counted and what stands."""

    connection: psycopg.Connection
    tally: HistoryTally
    days: Sequence[str]
    rules: int
    _told: set[str] = field(default_factory=set)

    def done_before(self, instant: datetime) -> Iterator[dg.AssetMaterialization]:
        """The days that are over before an instant and have not been reported, while others are still to be done."""
        done = [day for day in self.days if start_of(date.fromisoformat(day)) + _DAY <= instant]
        if len(done) == len(self.days):
            return  # the end of the run reports them
        days = [day for day in done if day not in self._told]
        self._told.update(days)
        for day, metadata in self._of(days).items():
            yield dg.AssetMaterialization("anomalies", partition=day, metadata=metadata)

    def of_all(self) -> dict[str, Said]:
        """What there is to say of each day in the end."""
        return self._of(self.days)

    def of_alerts(self) -> Iterator[dg.AssetMaterialization]:
        """The days on which alerts opened."""
        for day, metadata in told_of_alerts(self.connection, self.tally, self.days, origin="backfill").items():
            yield dg.AssetMaterialization("alerts", partition=day, metadata=metadata)

    def _of(self, days: Sequence[str]) -> dict[str, Said]:
        return told_of_anomalies(self.connection, self.tally, days, rules=self.rules, origin="backfill")
