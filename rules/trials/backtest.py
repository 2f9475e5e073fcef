"""Try rules over history: how many anomalies and alerts they would have had, when, and what is new about them.

Nothing of it is stored. Where the trial starts no cooldown is running, since no anomaly of a draft stands before.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID, uuid5

import msgspec
import polars as pl

from eventpulse.anomaly import ANOMALY_SCHEMA
from rules.alerting.openings import Openings
from rules.alerting.spans import Spans
from rules.micro_batches.detection import Watched
from rules.routing.alert import RoutedAlert
from rules.routing.channel import ChannelPlan
from rules.routing.foretell import Foretelling
from rules.rule import Rule
from rules.trials.replay import Replay, warm_up_from
from rules.trials.sweep import Variant
from rules.window import BEGINNING, instant_of

#: From an instant to before another, the events slice by slice, each with the instant before which all of it lies.
ReadEvents = Callable[[datetime, datetime], Iterable[tuple[pl.DataFrame, datetime]]]
#: What identifies an anomaly whatever the rule is called by: its group, when it occurred, and its event.
KEY = ("group", "occurred_at", "event_id")
#: The anomalies (KEY) that stand from an instant to before another.
ReadStanding = Callable[[datetime, datetime], pl.DataFrame]
MOST_EXAMPLES = 100


@dataclass
class Day:
    """What a rule would have brought on one day; an alert counts on the day it opens."""

    anomalies: int = 0
    alerts: int = 0


@dataclass
class Outcome:
    """What came of one variant. `same`, `new` and `gone` hold it against the anomalies that stand for the rule;
    `foretold` says what the channels would have been given."""

    variant: Variant
    foretold: Foretelling
    openings: Openings
    anomalies: int = 0
    alerts: int = 0
    by_day: dict[str, Day] = field(default_factory=dict)
    same: int = 0
    new: int = 0
    gone: int = 0
    examples: pl.DataFrame = field(default_factory=ANOMALY_SCHEMA.to_frame)
    fault: str | None = None
    _groups: set[str] = field(default_factory=set)

    @property
    def groups(self) -> int:
        """How many groups had an anomaly."""
        return len(self._groups)

    @property
    def notifications(self) -> int:
        """How many notifications of alerts that opened would have gone out."""
        return self.foretold.messages

    def add(self, found: pl.DataFrame, standing: pl.DataFrame) -> None:
        """One more slice: its anomalies, and those that stand there."""
        self.anomalies += found.height
        both = found.join(standing, on=KEY, how="semi", nulls_equal=True).height
        self.same, self.new, self.gone = (
            self.same + both,
            self.new + found.height - both,
            self.gone + standing.height - both,
        )
        if self.examples.height < MOST_EXAMPLES:
            self.examples = pl.concat([self.examples, found.head(MOST_EXAMPLES - self.examples.height)])
        self._groups.update(found["group"])
        for day, anomalies in found["occurred_at"].dt.date().value_counts().iter_rows():
            self._on(day).anomalies += anomalies

    def follow(self, told: Spans, through: datetime) -> None:
        """The alerts that open in a slice which ends `through` an instant."""
        for at, group in self.openings.follow(told, instant_of(through)):
            self.alerts += 1
            self._on(at.date()).alerts += 1
            self.foretold.opened(_as_routed(self.variant.rule, group, at), at)

    def _on(self, day: date) -> Day:
        return self.by_day.setdefault(day.isoformat(), Day())


def _as_routed(rule: Rule, group: str, at: datetime) -> RoutedAlert:
    """An alert of a rule as routing would have seen it when it opened."""
    return RoutedAlert(
        alert_id=uuid5(rule.rule_id, f"{group} {at.isoformat()}"),
        rule_id=rule.rule_id,
        rule_name=rule.name,
        severity=rule.severity,
        origin="live",
        state="open",
        mode=rule.mode,
        labels=dict(rule.labels),
        group=msgspec.json.decode(group),
    )


def backtest(
    tried: Sequence[Variant],
    start: datetime,
    end: datetime,
    read: ReadEvents,
    standing: ReadStanding,
    tell: Callable[[int, datetime], None] = lambda events, until: None,
    channels: Sequence[ChannelPlan] = (),
) -> list[Outcome]:
    """Evaluate variants from `start` to before `end`, all in one pass. `tell` hears of each slice: events and end;
    `channels` are those that alerts would have been told on."""
    rules = [variant.rule for variant in tried]
    outcomes = {
        variant.rule.rule_id: Outcome(variant, Foretelling(channels), Openings(variant.rule)) for variant in tried
    }
    replay = Replay(rules, start)
    for events, until in read(warm_up_from(rules, start) or BEGINNING, start):
        replay.look_back(events, until - timedelta(microseconds=1))
    position = start
    for events, until in read(start, end):
        watched = {rule_id: Watched(outcome.openings.going_on) for rule_id, outcome in outcomes.items()}
        found = replay.judge(events, until, watched=watched)
        stands = standing(position, until)
        for rule_id, outcome in outcomes.items():
            outcome.add(found.filter(pl.col("rule_id") == str(rule_id)), stands)
            if (told := replay.spans.get(rule_id)) is not None:
                outcome.follow(told, until)
        position = until
        tell(events.height, until)
    for rule_id, why in replay.faults.items():
        outcomes[UUID(str(rule_id))].fault = why
    return list(outcomes.values())
