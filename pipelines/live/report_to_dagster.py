"""Tell Dagster what a drain run does: sentences in the run's log, and materialisations of the days it touched."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from pipelines.live.drain_stream import Tally
from pipelines.run_log import RunLog

#: A report names at most so many days by partition; a load of history that touches more reports the rest in one.
MOST_DAYS_NAMED = 100


class DagsterReporter(RunLog):
    """Reports to the run of an op."""

    def __init__(self, context: dg.OpExecutionContext) -> None:
        super().__init__(context)
        self._counted: dict[str, int] = {}
        self._told: dict[str, int] = {}

    def report(self, tally: Tally) -> None:
        """One line in the log, and a materialisation for each asset and day that was touched."""
        self.say(_sentence(tally))
        for day, count in tally.new_events_by_day.items():
            self._counted[day] = self._counted.get(day, 0) + count
        met = {day: count for day, count in self._counted.items() if day not in self._told}
        self.show([*materialisations(tally), *rollups(met)])
        self._told |= met

    def finish(self) -> None:
        """What is told of once a run, so that Dagster has few rows to keep: the counts that its events went into."""
        self.show(list(rollups({day: count for day, count in self._counted.items() if self._told.get(day) != count})))


def materialisations(tally: Tally) -> Iterator[dg.AssetMaterialization]:
    """What Dagster is told about micro-batches since the last report: events, anomalies and the alerts
    opened, day by day."""
    stretch: dict[str, dg.MetadataValue] = {
        "origin": dg.MetadataValue.text("live"),
        "micro_batches": dg.MetadataValue.int(tally.batches),
        "first_batch_id": dg.MetadataValue.int(tally.first_batch_id or 0),
        "last_batch_id": dg.MetadataValue.int(tally.last_batch_id or 0),
        "lag_seconds": dg.MetadataValue.float(round(tally.last_lag_seconds, 4)),
        "reported_at": dg.MetadataValue.timestamp(datetime.fromtimestamp(time.time(), UTC)),
    }
    stream = {
        "first_stream_entry": dg.MetadataValue.text(tally.first_entry or "none"),
        "last_stream_entry": dg.MetadataValue.text(tally.last_entry or "none"),
        "duplicates": dg.MetadataValue.int(tally.duplicates),
        "dead_lettered": dg.MetadataValue.int(tally.dead_lettered),
    }
    for day, count in _named(tally.new_events_by_day):
        rows = {"dagster/row_count": dg.MetadataValue.int(count)}
        yield dg.AssetMaterialization("events", partition=day, metadata={**rows, **stretch, **stream})
    for day, count in _named({day: tally.anomalies_by_day.get(day, 0) for day in tally.touched_days}):
        rows = {"dagster/row_count": dg.MetadataValue.int(count)}
        yield dg.AssetMaterialization("anomalies", partition=day, metadata={**rows, **stretch})
    for day, count in _named(tally.alerts_by_day):
        rows = {"dagster/row_count": dg.MetadataValue.int(count)}
        yield dg.AssetMaterialization("alerts", partition=day, metadata={**rows, **stretch})


def rollups(counted: dict[str, int]) -> Iterator[dg.AssetMaterialization]:
    """What Dagster is told of the counts by minute: how many events of a day a run has added to them."""
    for day, count in _named(counted):
        metadata = {"events": dg.MetadataValue.int(count), "origin": dg.MetadataValue.text("live")}
        yield dg.AssetMaterialization("event_rollups", partition=day, metadata=metadata)


def _named(by_day: dict[str, int]) -> list[tuple[str | None, int]]:
    days: list[tuple[str | None, int]] = sorted(by_day.items(), reverse=True)
    named, rest = days[:MOST_DAYS_NAMED], days[MOST_DAYS_NAMED:]
    return named + ([(None, sum(count for _, count in rest))] if rest else [])


def _sentence(tally: Tally) -> str:
    return (
        f"{tally.batches} micro-batches: {tally.taken} events taken = {tally.stored} stored + {tally.duplicates}"
        f" duplicates + {tally.dead_lettered} dead-lettered; {tally.anomalies} anomalies found,"
        f" {tally.retracted} retracted, {tally.alerts} alerts opened; lag {tally.last_lag_seconds * 1000:.0f} ms;"
        f" stream {tally.first_entry or '-'} to {tally.last_entry or '-'}"
    )
