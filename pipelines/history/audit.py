"""Audit a closed day: evaluate it afresh, and compare what comes of it with the anomalies that stand.

Nothing is changed. Compared is what has been evaluated of the day, according to the ledger of coverage; what has not
been is remarked as a gap, since nothing can be missing where nobody has looked. Where events are gone that mattered,
nothing is compared, since anomalies that once followed from them would seem to be too many.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

import polars as pl
import psycopg

from eventpulse.clock import Clock, utc_now
from eventpulse.database.anomalies.audits import DayAudit, Finding, Troubles, mark_repaired, save_audit, troubles
from eventpulse.database.anomalies.coverage import Evaluated, evaluated_on, start_of
from eventpulse.database.anomalies.history_lock import newest_batch_of_all
from eventpulse.database.anomalies.standing import (
    MOST_SAMPLES,
    RuleDifference,
    Sample,
    compare,
    lay_out,
    prepare_comparison,
    samples,
)
from eventpulse.database.events.history_slices import (
    SLICE_EVENTS,
    Stretch,
    arrived_since,
    count_events,
    events_in,
    slices,
)
from eventpulse.database.events.removed_days import removed_days
from eventpulse.settings import Settings
from pipelines.history.backfill import Backfill
from pipelines.history.reevaluate import in_parts, judged, meanings, settled
from pipelines.history.remarks import Seen, remarks_on
from pipelines.history.walk_history import begin_replay, of_rules, span_before, stood_before
from pipelines.history.whole_days import is_whole
from rules.rule import Rule
from rules.trials.replay import Replay, settled_through
from rules.window import earlier

_ATTEMPTS = 3
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class _Left:
    """A replay that stands at an instant, having read what was stored up to a micro-batch."""

    replay: Replay
    at: datetime
    newest_batch: int


@dataclass(frozen=True)
class Auditor:
    """Audits days over one connection of its own. Days in their order are cheaper than each alone: what the rules have
    to know of the time before a day is known from the day before."""

    connection: psycopg.Connection
    settings: Settings
    rules: Sequence[Rule]
    run_id: str | None = None
    clock: Clock = utc_now
    _left: dict[frozenset[UUID], _Left] = field(default_factory=dict, init=False)

    def audit(self, day: date) -> DayAudit:
        """Compare one day; the audit is written down. Events that arrive meanwhile make it start over."""
        audit = self._compared(day)
        save_audit(self.connection, audit)
        return audit

    def audit_and_repair(self, day: date, say: Callable[[str], None]) -> tuple[DayAudit, DayAudit]:
        """Audit a day; where it differs, evaluate it again so that what follows stands, and audit it once more."""
        first = self._compared(day)
        number = save_audit(self.connection, first)
        if first.agrees:
            return first, first
        say(f"{day}: repairing {_in_short(first)}.")
        work = Backfill(self.connection, self.settings, run_id=self.run_id, clock=self.clock)
        differing = {finding.rule_id for finding in first.findings if finding.differs}
        rules = [rule for rule in self.rules if rule.rule_id in differing]
        for (start, end), of in self._evaluated(rules, day).items():
            for _ in work.run(work.plan(of, start, end, again=True)):
                pass
        second = self._compared(day)
        save_audit(self.connection, second)
        if second.agrees:
            mark_repaired(self.connection, number)
        return first, second

    def _compared(self, day: date) -> DayAudit:
        prepare_comparison(self.connection)
        start, end = start_of(day), start_of(day) + _DAY
        started_at = self.clock()
        evaluated = evaluated_on(self.connection, meanings(self.rules), day, day)
        for _ in range(_ATTEMPTS):
            snapshot = newest_batch_of_all(self.connection)
            removed = removed_days(self.connection)
            seen = {rule.rule_id: Seen(whole=is_whole(rule, day, removed)) for rule in self.rules}
            for (first, last), rules in self._evaluated(self.rules, day).items():
                self._compare_stretch(rules, first, last, seen, snapshot)
            if not arrived_since(self.connection, snapshot, earlier(start, span_before(self.rules)), end):
                break
        befell = troubles(self.connection, start, min(self.clock(), end + _DAY))
        findings = [
            _finding(rule, seen[rule.rule_id], evaluated.get((rule.rule_id, day), []), befell, day)
            for rule in self.rules
        ]
        events = count_events(self.connection, start, end, of_rules([]))
        return DayAudit(day, events, findings, started_at, self.run_id)

    def _evaluated(self, rules: Sequence[Rule], day: date) -> dict[tuple[datetime, datetime], list[Rule]]:
        """Which stretches of a day have been evaluated and can be again, and by which rules."""
        evaluated = evaluated_on(self.connection, meanings(rules), day, day)
        removed = removed_days(self.connection)
        stretches: dict[tuple[datetime, datetime], list[Rule]] = {}
        for rule in (rule for rule in rules if is_whole(rule, day, removed)):
            for part in evaluated.get((rule.rule_id, day), []):
                stretches.setdefault((part.start, part.end), []).append(rule)
        return stretches

    def _compare_stretch(
        self, rules: Sequence[Rule], start: datetime, end: datetime, seen: Mapping[UUID, Seen], newest_batch: int
    ) -> None:
        replay, of = self._go_on(rules, start) or begin_replay(self.connection, rules, start), of_rules(rules)
        for stretch in slices(self.connection, start, end, of, most=SLICE_EVENTS):
            computed = replay.judge(events_in(self.connection, stretch.start, stretch.end, of), stretch.end, end)
            for rule_id, groups in replay.groups().items():
                seen[rule_id].groups = max(seen[rule_id].groups, groups)
            until = {rule.rule_id: settled_through(rule, stretch.end, end) for rule in replay.rules}
            for part, inside in in_parts(settled(computed, until), stretch.start, stretch.end):
                differences, found = self._differences(replay.rules, part, until, inside)
                for each in differences:
                    seen[each.rule_id].add(each, [one for one in found if one.rule_id == each.rule_id])
                _note_hours(seen, inside)
        for rule_id, why in replay.faults.items():
            seen[rule_id].fault = why
        if not replay.faults:
            self._left[frozenset(rule.rule_id for rule in rules)] = _Left(replay, end, newest_batch)

    def _go_on(self, rules: Sequence[Rule], start: datetime) -> Replay | None:
        """The replay that was left where a stretch starts, unless events have come since that it should know."""
        left = self._left.pop(frozenset(rule.rule_id for rule in rules), None)
        if left is None or left.at != start:
            return None
        if arrived_since(self.connection, left.newest_batch, earlier(start, span_before(rules)), start):
            return None
        left.replay.stood(stood_before(self.connection, rules, start))
        return left.replay

    def _differences(
        self, rules: Sequence[Rule], part: Stretch, until: Mapping[UUID, datetime], computed: pl.DataFrame
    ) -> tuple[list[RuleDifference], list[Sample]]:
        with self.connection.transaction():
            lay_out(self.connection, judged(rules, part, until), computed)
            differences = compare(self.connection)
            return differences, samples(self.connection) if any(each.any for each in differences) else []


def _finding(rule: Rule, seen: Seen, evaluated: Sequence[Evaluated], befell: Troubles, day: date) -> Finding:
    known = seen.difference or RuleDifference(rule.rule_id, 0, 0, 0, 0, 0, None)
    return Finding(
        *(rule.rule_id, rule.version, rule.name),
        *(known.computed, known.standing, known.missing, known.extra, known.changed),
        remarks=remarks_on(rule, seen, evaluated, befell, day),
        samples=seen.samples[:MOST_SAMPLES],
    )


def _note_hours(seen: Mapping[UUID, Seen], computed: pl.DataFrame) -> None:
    hours = computed.group_by("rule_id").agg(pl.col("occurred_at").dt.hour().unique())
    for rule_id, of_rule in hours.iter_rows():
        seen[UUID(rule_id)].hours |= set(of_rule)


def _in_short(audit: DayAudit) -> str:
    return f"{audit.total('missing')} missing, {audit.total('extra')} extra, {audit.total('changed')} changed"
