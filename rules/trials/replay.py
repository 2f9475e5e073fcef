"""Judge history again: stored events in, in their order, slice by slice; the anomalies that follow from them out.

The judging is that of live detection (`rules/micro_batches/detection.py`). Only the circumstances are simpler: events
come in order and whole, so none is late, nothing that was found falls again, and a slice is known to its very end.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import polars as pl

from eventpulse.anomaly import ANOMALY_SCHEMA
from eventpulse.event import EVENT_SCHEMA
from rules.alerting.spans import Spans
from rules.evaluation import carry, look_back, moves_without_events, paths_of, select_all
from rules.fields import with_fields
from rules.micro_batches.detection import Horizons, Watched, arrivals, detect, empty_memory, looking_at
from rules.micro_batches.memory import REMEMBERED_ANOMALY, TIME_ORDER, Memory, add_rows
from rules.reach import reach
from rules.rule import Rule
from rules.window import FOREVER, earlier

#: Nothing is late, and nothing has to be kept for what might still come.
_IN_ORDER = Horizons(lateness=timedelta(0), correct=timedelta.max, hot=timedelta(0), watermark_step=timedelta(0))
_FEWEST_ROWS_TO_CARRY = 8_192
_ONE_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Wanted:
    """Which events suffice for some rules: their types and sources (None stands for all), and whether the bodies of
    the events are looked at."""

    event_types: tuple[str, ...] | None
    sources: tuple[str, ...] | None
    payload: bool
    metadata: bool


def wanted_events(rules: Iterable[Rule]) -> Wanted:
    """What some rules together look at."""
    each = [(reach(rule), rule.paths) for rule in rules]
    roots = {path.partition(".")[0] for _, paths in each for path in paths}
    return Wanted(
        _either([one.event_types for one, _ in each]),
        _either([one.sources for one, _ in each]),
        "payload" in roots,
        "metadata" in roots,
    )


def warm_up_from(rules: Iterable[Rule], start: datetime) -> datetime | None:
    """From which instant on (it excluded) events before `start` matter to the rules; None where the first one does."""
    reaches = [look_back(rule) for rule in rules]
    return None if FOREVER in reaches else earlier(start, max(reaches, default=timedelta(0)))


class Replay:
    """Some rules on their way through history from `start` on.

    First `look_back` is given the events before `start` that matter, then `stood` the anomalies, then `judge` slice
    after slice. A rule that fails is left out from then on, and so is one that has too many groups, beginning with the
    slice after; `faults` says why.
    """

    def __init__(self, rules: Sequence[Rule], start: datetime) -> None:
        self.rules = list(rules)
        self.start = start
        self.faults: dict[UUID, str] = {}
        self.spans: dict[UUID, Spans] = {}
        self._limited: set[UUID] = set()
        nothing = select_all(self.rules, with_fields(EVENT_SCHEMA.to_frame(), paths_of(self.rules)))
        self._memories: dict[UUID, Memory] = {
            # Nothing has been judged, and all that time makes true from the start on is to be.
            rule.rule_id: replace(empty_memory(nothing[rule.rule_id], start), judged_through=start)
            for rule in self.rules
        }

    def look_back(self, events: pl.DataFrame, through: datetime) -> None:
        """Remember events before the start; `events` are all that are not later than `through` and were not given
        before. Nothing is judged."""
        reaching = [rule for rule in self.rules if _reaches(rule, self.start, through)]
        selected = select_all(reaching, with_fields(events, paths_of(reaching)))
        for rule in reaching:
            rows = selected[rule.rule_id]
            if rows.is_empty():
                continue
            memory = self._memories[rule.rule_id]
            memory = add_rows(memory, rows.sort(TIME_ORDER), rows["timestamp"].max())  # type: ignore[arg-type]
            if memory.rows.height >= max(2 * memory.rows_after_trim, _FEWEST_ROWS_TO_CARRY):
                kept = carry(rule, memory.rows, through).sort(TIME_ORDER)
                memory = replace(memory, rows=kept, rows_after_trim=kept.height)
            self._memories[rule.rule_id] = memory

    def stood(self, anomalies: Mapping[UUID, pl.DataFrame]) -> None:
        """Remember the anomalies before the start (REMEMBERED_ANOMALY): they hold cooldowns up."""
        for rule_id, before in anomalies.items():
            memory = self._memories[rule_id]
            self._memories[rule_id] = replace(memory, anomalies=before.select(REMEMBERED_ANOMALY.names()))

    def judge(
        self,
        events: pl.DataFrame,
        end: datetime,
        watermark: datetime | None = None,
        watched: Mapping[UUID, Watched] | None = None,
    ) -> pl.DataFrame:
        """The anomalies (ANOMALY_SCHEMA) of the next slice: `events` are all that come before `end` and were not given
        before. What moves without events is judged to the end, or to a watermark that stands before it. With `watched`,
        `spans` are those of the groups that have changed or are watched."""
        known = end - _ONE_MICROSECOND
        through = known if watermark is None else min(known, watermark)
        self.drop(self._limited)
        fields = with_fields(events, paths_of(looking_at(self.rules, events)))
        arrived = arrivals(self.rules, self._memories, fields, _IN_ORDER)
        findings = detect(self.rules, self._memories, arrived, {}, through, _IN_ORDER, watched)
        self._memories, self.spans = findings.memories, findings.spans
        if findings.faults:
            self.faults |= findings.faults
            self.drop(findings.faults)
        self.faults |= findings.limited
        self._limited |= findings.limited.keys()
        return findings.anomalies.select(ANOMALY_SCHEMA.names())

    def groups(self) -> dict[UUID, int]:
        """How many groups each rule holds in mind."""
        return {rule.rule_id: self._memories[rule.rule_id].rows["group_key"].n_unique() for rule in self.rules}

    def drop(self, rule_ids: Iterable[UUID]) -> None:
        """Leave some rules out from here on."""
        gone = set(rule_ids)
        self.rules = [rule for rule in self.rules if rule.rule_id not in gone]
        self._memories = {rule_id: kept for rule_id, kept in self._memories.items() if rule_id not in gone}


def settled_through(rule: Rule, end: datetime, watermark: datetime) -> datetime:
    """Before which instant everything about a rule is settled that a slice with this end can tell (it excluded)."""
    return min(end, watermark + _ONE_MICROSECOND) if moves_without_events(rule) else end


def _reaches(rule: Rule, start: datetime, through: datetime) -> bool:
    span = look_back(rule)
    return span == FOREVER or earlier(start, span) < through


def _either(wanted: list[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    if not wanted or any(one is None for one in wanted):
        return None
    return tuple(sorted({name for names in wanted if names is not None for name in names}))
