"""What a change of history has changed so far: by rule, by day, and in one sentence."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from rich.console import Console
from rich.table import Table

from eventpulse.database.anomalies.standing import RuleDifference
from pipelines.history.reevaluate import Passed
from rules.rule import Rule


class HistoryTally:
    """Sums over slices."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._names = {rule.rule_id: rule.name for rule in rules}
        self.by_rule: dict[UUID, RuleDifference] = {}
        self.new_by_day: dict[str, int] = {}
        self.events_by_day: dict[str, int] = {}
        self.alerts_by_day: Counter[str] = Counter()
        self.faults: dict[UUID, str] = {}
        self.events = self.slices = 0

    def add(self, passed: Passed) -> None:
        """One more slice."""
        self.slices += 1
        self.events += passed.events
        self.faults |= passed.faults
        self.alerts_by_day.update(passed.alerts_by_day)
        for each in passed.differences:
            before = self.by_rule.get(each.rule_id)
            self.by_rule[each.rule_id] = each if before is None else before.and_later(each)
        new = dict(passed.new["occurred_at"].dt.date().value_counts().iter_rows())
        for day in passed.events_by_day.keys() | new.keys():
            named = day.isoformat()
            self.new_by_day[named] = self.new_by_day.get(named, 0) + new.get(day, 0)
            self.events_by_day[named] = self.events_by_day.get(named, 0) + passed.events_by_day.get(day, 0)

    @property
    def missing(self) -> int:
        """Anomalies that had been missing and stand now."""
        return sum(each.missing for each in self.by_rule.values())

    @property
    def extra(self) -> int:
        """Anomalies that stood and are retracted now."""
        return sum(each.extra for each in self.by_rule.values())

    @property
    def changed(self) -> int:
        """Anomalies that stood with another value or other events."""
        return sum(each.changed for each in self.by_rule.values())

    def in_short(self) -> str:
        """`12 found, 0 retracted, 1 corrected`"""
        return f"{self.missing:,} found, {self.extra:,} retracted, {self.changed:,} corrected"

    def sentence(self) -> str:
        """What changed, for a log."""
        if not (self.missing or self.extra or self.changed):
            return f"{self.events:,} events evaluated again; nothing changed, {self._standing():,} anomalies stand."
        of_rules = "; ".join(
            f'"{self._name(each.rule_id)}": {each.missing} found, {each.extra} retracted, {each.changed} corrected'
            for each in self.by_rule.values()
            if each.any
        )
        opened = f" {self.alerts_by_day.total():,} alerts opened." if self.alerts_by_day else ""
        return f"{self.events:,} events evaluated again: {self.in_short()}. {of_rules}.{opened}"

    def show(self, console: Console) -> None:
        """What changed, rule by rule, for a person."""
        table = Table("rule", box=None, pad_edge=False)
        for heading in ("anomalies", "found", "retracted", "corrected"):
            table.add_column(heading, justify="right")
        for each in sorted(self.by_rule.values(), key=lambda each: self._name(each.rule_id)):
            numbers = (each.computed, each.missing, each.extra, each.changed)
            table.add_row(self._name(each.rule_id).replace("[", r"\["), *(f"{number:,}" for number in numbers))
        if self.by_rule:
            console.print(table)
        for rule_id, why in self.faults.items():
            console.print(f'Rule "{self._name(rule_id)}" could not be evaluated: {why}', markup=False)

    def _standing(self) -> int:
        return sum(each.computed for each in self.by_rule.values())

    def _name(self, rule_id: UUID) -> str:
        return self._names.get(rule_id, str(rule_id))
