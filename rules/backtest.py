"""Try rules over history: how many anomalies and alerts they would have had, when, and what is new about them.

Nothing of it is stored. Where the trial starts no cooldown is running, since no anomaly of a draft stands before.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import polars as pl

from eventpulse.anomaly import ANOMALY_SCHEMA
from rules.replay import Replay, warm_up_from
from rules.rule import Rule
from rules.sweep import Variant
from rules.window import BEGINNING

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
    """What came of one variant. `same`, `new` and `gone` hold it against the anomalies that stand for the rule.

    `notifications` counts one for each alert that opens; a rule in shadow mode never notifies.
    """

    variant: Variant
    anomalies: int = 0
    alerts: int = 0
    by_day: dict[str, Day] = field(default_factory=dict)
    same: int = 0
    new: int = 0
    gone: int = 0
    examples: pl.DataFrame = field(default_factory=ANOMALY_SCHEMA.to_frame)
    fault: str | None = None
    _last: dict[str, datetime] = field(default_factory=dict)

    @property
    def groups(self) -> int:
        """How many groups had an anomaly."""
        return len(self._last)

    @property
    def notifications(self) -> int:
        """How many notifications would have gone out."""
        return 0 if self.variant.rule.mode == "shadow" else self.alerts

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
        quiet = quiet_of(self.variant.rule)
        in_order = found.sort("occurred_at", "position", nulls_last=True)
        for group, at in in_order.select("group", "occurred_at").iter_rows():
            day = self.by_day.setdefault(at.date().isoformat(), Day())
            day.anomalies += 1
            before = self._last.get(group)
            if before is None or at - before > quiet:
                day.alerts += 1
                self.alerts += 1
            self._last[group] = at


def quiet_of(rule: Rule) -> timedelta:
    """After how long without an anomaly an alert of the rule is over."""
    return timedelta(seconds=max(rule.window_seconds, rule.cooldown_seconds) + rule.keep_firing_seconds)


def backtest(
    tried: Sequence[Variant],
    start: datetime,
    end: datetime,
    read: ReadEvents,
    standing: ReadStanding,
    tell: Callable[[int, datetime], None] = lambda events, until: None,
) -> list[Outcome]:
    """Evaluate variants from `start` to before `end`, all in one pass. `tell` hears of each slice: events and end."""
    rules = [variant.rule for variant in tried]
    outcomes = {variant.rule.rule_id: Outcome(variant) for variant in tried}
    replay = Replay(rules, start)
    for events, until in read(warm_up_from(rules, start) or BEGINNING, start):
        replay.look_back(events, until - timedelta(microseconds=1))
    position = start
    for events, until in read(start, end):
        found = replay.judge(events, until)
        stands = standing(position, until)
        for rule_id, outcome in outcomes.items():
            outcome.add(found.filter(pl.col("rule_id") == str(rule_id)), stands)
        position = until
        tell(events.height, until)
    for rule_id, why in replay.faults.items():
        outcomes[UUID(str(rule_id))].fault = why
    return list(outcomes.values())
