"""However events arrive and wherever batches are cut: each anomaly that stands is in one alert, and alerts begin and
end where the truth does."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from rules.alerting.allot import Known, Span, allot
from rules.alerting.spans import Spans, quiet, true_before
from rules.evaluation import evaluate_whole, paths_of
from rules.fields import with_fields
from rules.micro_batches.detection import Horizons, Watched, arrivals, detect, empty_memory
from rules.rule import Rule, read_rule
from tests.property.test_detection import EPOCH, conditions, recall, rows_of, rules_of, streams
from tests.reference import alerts as reference
from tests.reference.agreement import START, Event, frame
from tests.reference.evaluate import microseconds

fewer = settings(max_examples=settings.default.max_examples // 6)


@dataclass
class Alert:
    """An alert as a test keeps it."""

    group: str
    due: int | None
    anomalies: dict[str, int]  # id -> when it occurred
    ended: bool = False

    @property
    def opened(self) -> int:
        return min(self.anomalies.values())


@dataclass
class Book:
    """The alerts of one rule, kept up from batch to batch as the drain keeps them in the database."""

    rule: Rule
    alerts: list[Alert] = field(default_factory=list)

    def watched(self) -> Watched:
        ended = [alert.due for alert in self.alerts if alert.ended and alert.due is not None]
        through = EPOCH + timedelta(microseconds=max(ended)) if ended else None
        return Watched({alert.group for alert in self.alerts if not alert.ended}, through)

    def change(self, told: Spans | None, retracted: list[str], stored: list[Event]) -> None:
        for alert in self.alerts:
            for anomaly in retracted:
                alert.anomalies.pop(anomaly, None)
        if told is None:
            self.alerts = [alert for alert in self.alerts if alert.anomalies]
            return
        occurred = {row["anomaly_id"]: microseconds(row["occurred_at"]) for row in told.members.to_dicts()}
        for group, since in told.looked_at.iter_rows():
            self._allot(group, microseconds(since), list(spans_of(told, group)), occurred, stored)
        self.alerts = [alert for alert in self.alerts if alert.anomalies]

    def _allot(self, group: str, since: int, spans: list[Span], occurred: dict[str, int], stored: list[Event]) -> None:
        of_group = (alert for alert in self.alerts if alert.group == group and alert.anomalies)
        ours = {str(number): alert for number, alert in enumerate(of_group)}
        holder = {anomaly: key for key, alert in ours.items() for anomaly in alert.anomalies}
        known = [Known(key, alert.opened, alert.due) for key, alert in ours.items()]
        still = quiet(self.rule)

        def last_true() -> int | None:
            rows = rows_of(self.rule, [event for event in stored if event.at <= since])
            rows = rows.filter(pl.col("group") == group).sort("group_key", "timestamp", "position", "event_id")
            return true_before(self.rule, rows, since - (still or 0), since)

        for share in allot(spans, known, holder, since, still, last_true):
            for alert in ours.values():
                for anomaly in share.anomalies:
                    alert.anomalies.pop(anomaly, None)
            gathered = {anomaly: occurred[anomaly] for anomaly in share.anomalies}
            if share.alert_id is None:
                self.alerts.append(Alert(group, share.due, gathered))
            else:
                alert = ours[share.alert_id]
                alert.due, alert.ended = share.due, False
                alert.anomalies |= gathered


def spans_of(told: Spans, group: str) -> Iterator[Span]:
    for row in told.spans.filter(pl.col("group") == group).to_dicts():
        inside = told.members.filter((pl.col("group") == group) & (pl.col("number") == row["number"]))
        yield Span(row["start"], row["end"], row["began_before"], inside["anomaly_id"].to_list())


@pytest.mark.parametrize("name", conditions)
@fewer
@given(st.data())
def test_alerts_are_those_of_one_evaluation(name: str, data: st.DataObject) -> None:
    rule, batches = data.draw(rules_of(name)), data.draw(streams())
    hot, lateness, step = (timedelta(seconds=data.draw(st.sampled_from([0, 1, 4, 30]))) for _ in range(3))
    book = Book(rule)

    with patch("rules.micro_batches.memory._FEWEST_ROWS_TO_TRIM", 0), patch("rules.micro_batches.judging._FEW_ROWS", 0):
        keep_up(book, batches, Horizons(lateness, timedelta(days=1), hot, step))

    found = [
        (alert.group, alert.opened, max(alert.anomalies.values()), len(alert.anomalies), alert.due)
        for alert in book.alerts
    ]
    assert sorted(found, key=str) == reference.alerts(rule, [event for batch in batches for event in batch])


def test_where_silence_is_what_is_alerted_on_it_lasts_until_the_next_event() -> None:
    """Although what is remembered reaches no further back than a window, in which nothing is."""
    rule = read_rule(
        {
            "name": "silence",
            "severity": "info",
            "window_seconds": 1,
            "condition": {"type": "threshold", "metric": "count", "filters": {}, "operator": "<", "value": 1},
        }
    )
    events = [Event(str(number), "tick", "web", START + number * 3_000_000, number) for number in range(2)]
    book = Book(rule)

    keep_up(book, [events], Horizons(timedelta(seconds=1), timedelta(days=1), timedelta(0), timedelta(seconds=1)))

    ends = [(alert.opened - START, alert.due and alert.due - START) for alert in book.alerts]
    assert ends == [(1_000_000, 3_000_000), (4_000_000, None)]


def keep_up(book: Book, batches: list[list[Event]], horizons: Horizons) -> None:
    """Detect batch by batch, and keep the alerts; alerts end when the newest event is past their end."""
    rule, stored = book.rule, list[Event]()
    floor = EPOCH + timedelta(microseconds=START) - timedelta(days=1)
    memories = {rule.rule_id: empty_memory(rows_of(rule, []), floor)}
    standing = evaluate_whole(rule, frame([]))
    newest = floor
    for number, batch in enumerate([*batches, []]):
        stored += batch
        newest = max([newest, *(EPOCH + timedelta(microseconds=event.at) for event in batch)])
        arrived = arrivals([rule], memories, with_fields(frame(batch), paths_of([rule])), horizons)
        recalled = {arrival.rule.rule_id: recall(arrival, memories, stored, standing) for arrival in arrived}
        watermark = newest - horizons.lateness if number < len(batches) else EPOCH + timedelta(days=30_000)
        found = detect([rule], memories, arrived, recalled, watermark, horizons, {rule.rule_id: book.watched()})
        assert not found.faults, found.faults
        gone = [*found.retracted, *found.restated["anomaly_id"], *found.anomalies["anomaly_id"]]
        standing = standing.filter(~pl.col("anomaly_id").is_in(gone))
        standing = pl.concat([standing, found.anomalies.drop("late"), found.restated])
        memories = found.memories
        book.change(found.spans.get(rule.rule_id), found.retracted, stored)
        for alert in book.alerts:
            alert.ended |= alert.due is not None and alert.due <= microseconds(watermark)
