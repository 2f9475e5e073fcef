"""What Dagster is told of days that have been evaluated again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import dagster as dg
import psycopg

from eventpulse.database.anomalies.coverage import start_of
from pipelines.history.history_tally import HistoryTally

_DAY = timedelta(days=1)
_ANOMALIES = """
select (occurred_at at time zone 'UTC')::date::text, count(*) from eventpulse.anomalies
where state = 'current' and occurred_at >= %s::date and occurred_at < %s::date + 1 group by 1
"""
_ALERTS = """
select (opened_at at time zone 'UTC')::date::text, count(*) from eventpulse.alerts
where opened_at >= %s::date and opened_at < %s::date + 1 group by 1
"""


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

    def of_all(self) -> dict[str, dict[str, int | str]]:
        """What there is to say of each day in the end."""
        return self._of(self.days)

    def of_alerts(self) -> Iterator[dg.AssetMaterialization]:
        """The days on which alerts opened."""
        standing, opened = self._count(_ALERTS, self.days), self.tally.alerts_by_day
        for day in self.days:
            if day in standing or opened[day]:
                metadata: dict[str, int | str] = {
                    "dagster/row_count": standing.get(day, 0),
                    "opened": opened[day],
                    "origin": "backfill",
                }
                yield dg.AssetMaterialization("alerts", partition=day, metadata=metadata)

    def _of(self, days: Sequence[str]) -> dict[str, dict[str, int | str]]:
        standing = self._count(_ANOMALIES, days)
        return {
            day: {
                "dagster/row_count": standing.get(day, 0),
                "events_evaluated": self.tally.events_by_day.get(day, 0),
                "found": self.tally.new_by_day.get(day, 0),
                "rules_evaluated": self.rules,
                "origin": "backfill",
            }
            for day in days
        }

    def _count(self, query: str, days: Sequence[str]) -> dict[str, int]:
        return dict(self.connection.execute(query, (min(days), max(days))).fetchall()) if days else {}
