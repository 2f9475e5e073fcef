"""Evaluate stored history again, and make the anomalies that stand be those that follow from it.

History is read in slices, in order, and judged by the code that judges live. What comes of a slice is held against what
stands, and the difference is written in one transaction, during which nothing is stored; all the rest happens beside
live detection. Events that arrive in a slice meanwhile make it be evaluated again.

After the end of what was asked for, later anomalies can still depend on what has changed: through a window that reaches
back, or a cooldown that an anomaly holds up. So the evaluation goes on, as far as history has been evaluated before,
until computed and standing anomalies have agreed for as long as such a dependence lasts.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

import polars as pl
import psycopg

from eventpulse.anomaly import ANOMALY_SCHEMA
from eventpulse.clock import Clock, utc_now
from eventpulse.database.anomalies.coverage import Meaning, cover, days_with_events, evaluated_on, start_of
from eventpulse.database.anomalies.history_lock import newest_batch_of_all, rewriting_history, while_nothing_is_stored
from eventpulse.database.anomalies.standing import (
    Judged,
    RuleDifference,
    compare,
    lay_out,
    make_it_stand,
    note_changed_history,
    prepare_comparison,
)
from eventpulse.database.events.history_slices import (
    SLICE_EVENTS,
    Stretch,
    arrived_since,
    events_in,
    newest_event,
    slices,
)
from eventpulse.database.events.removed_days import removed_days
from eventpulse.database.ledger.ledger import LedgerRow, next_batch_id, write
from pipelines.history.alerts_of_history import HistoryAlerts, known_through
from pipelines.history.walk_history import begin_replay, of_rules, span_before
from pipelines.history.whole_days import is_whole
from rules.evaluation import look_back
from rules.rule import Rule
from rules.trials.replay import Replay, settled_through
from rules.window import FOREVER, earlier, watermark_at

#: So often a slice is evaluated beside live detection; should events arrive in it every time, it is evaluated once more
#: while nothing is stored.
ATTEMPTS = 3
#: So many anomalies are compared and written in one transaction, so that live detection never waits for long.
MOST_AT_ONCE = 5_000
#: Rules whose windows reach further back than this are followed beyond the end only if something changed for them.
_SHORT = timedelta(days=1)
_DAY = timedelta(days=1)
_ONE_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Passed:
    """A slice of history that has been evaluated, and what that changed. `new` are the anomalies that were missing;
    `beyond` tells that it lies after the end of what was asked for; `alerts_by_day` counts those that opened."""

    start: datetime
    end: datetime
    events_by_day: Mapping[date, int] = field(default_factory=dict)
    differences: Sequence[RuleDifference] = ()
    new: pl.DataFrame = field(default_factory=ANOMALY_SCHEMA.to_frame)
    faults: Mapping[UUID, str] = field(default_factory=dict)
    beyond: bool = False
    alerts_by_day: Mapping[str, int] = field(default_factory=dict)

    @property
    def events(self) -> int:
        """How many events were looked at."""
        return sum(self.events_by_day.values())


class _Overtaken(Exception):
    """Events arrived in a slice while it was being evaluated."""


@dataclass(frozen=True)
class _Extent:
    """How far a slice counts for each rule: from its start to before `until`."""

    stretch: Stretch
    until: Mapping[UUID, datetime]
    beyond: bool
    watermark: datetime


@dataclass
class Reevaluation:
    """Evaluates rules over stretches of history, over one connection of its own. `origin` marks what it finds."""

    connection: psycopg.Connection
    rules: Sequence[Rule]
    origin: str
    run_id: str | None = None
    idle: timedelta = timedelta(seconds=10)
    lateness: timedelta = timedelta(seconds=5)
    clock: Clock = utc_now
    slice_events: int = SLICE_EVENTS
    #: Whether somebody asked to be told of the alerts of history.
    asked: bool = False

    def __post_init__(self) -> None:
        self._alerts = HistoryAlerts(self.connection, self.origin, self.run_id, self.asked)

    def over(self, start: datetime, end: datetime) -> Iterator[Passed]:
        """Evaluate from `start` to before `end`, slice by slice, and beyond where that is needed.

        Each slice is complete when it is handed out, so that stopping between two loses nothing.
        """
        prepare_comparison(self.connection)
        with rewriting_history(self.connection):
            end = min(end, self._present())
            if start >= end or not self.rules:
                return
            last_differences: dict[UUID, datetime] = {}
            replay = begin_replay(self.connection, self.rules, start)
            for stretch in slices(self.connection, start, end, of_rules(self.rules), most=self.slice_events):
                replay, passed = self._evaluate(replay, stretch)
                _note(last_differences, passed)
                yield passed
            yield from self._beyond(replay, end, last_differences)

    def watermark(self) -> datetime:
        """How far truth that moves without events may be judged now, as in live detection."""
        return watermark_at(self.clock(), newest_event(self.connection), lateness=self.lateness, idle=self.idle)

    def _present(self) -> datetime:
        newest = newest_event(self.connection)
        return max(filter(None, (newest, self.watermark()))) + _ONE_MICROSECOND

    def _beyond(self, replay: Replay, end: datetime, last_differences: dict[UUID, datetime]) -> Iterator[Passed]:
        present, position, step = self._present(), end, timedelta(0)
        for day in days_with_events(self.connection, end, present):
            stop = min(start_of(day) + _DAY, present)
            evaluated = self._evaluated_until(replay.rules, max(end, start_of(day)), stop)
            replay.drop(rule.rule_id for rule in replay.rules if rule.rule_id not in evaluated)
            while position < stop:
                needed = {
                    rule.rule_id: _depends_until(rule, end, last_differences.get(rule.rule_id)) for rule in replay.rules
                }
                replay.drop(rule_id for rule_id, until in needed.items() if until <= position)
                if not replay.rules:
                    return
                # Ever longer steps, lest a long chain of cooldowns be followed one by one.
                step = max(max(needed.values()) - position, 2 * step)
                to = stop if stop - position <= step else position + step
                for stretch in slices(self.connection, position, to, of_rules(replay.rules), most=self.slice_events):
                    replay, passed = self._evaluate(replay, stretch, evaluated)
                    _note(last_differences, passed)
                    yield passed
                position = to
            replay.drop(rule_id for rule_id, until in evaluated.items() if until < stop)

    def _evaluated_until(self, rules: Sequence[Rule], start: datetime, stop: datetime) -> dict[UUID, datetime]:
        """How far, from `start` on and within its day, each rule was evaluated before; the others are missing."""
        day, removed = start.date(), removed_days(self.connection)
        rules = [rule for rule in rules if is_whole(rule, day, removed)]
        evaluated = evaluated_on(self.connection, meanings(rules), day, day)
        return {
            rule_id: min(part.end, stop)
            for (rule_id, _), parts in evaluated.items()
            for part in parts
            if part.start <= start < part.end
        }

    def _evaluate(
        self, replay: Replay, stretch: Stretch, evaluated: Mapping[UUID, datetime] | None = None
    ) -> tuple[Replay, Passed]:
        """Judge one slice and make what comes of it stand; the replay stands at its end then."""
        for _ in range(ATTEMPTS):
            snapshot = newest_batch_of_all(self.connection)
            try:
                return replay, self._judge(replay, stretch, evaluated, snapshot)
            except _Overtaken:
                replay = begin_replay(self.connection, replay.rules, stretch.start)
        with self.connection.transaction():
            while_nothing_is_stored(self.connection)
            return replay, self._judge(replay, stretch, evaluated, None)

    def _judge(
        self, replay: Replay, stretch: Stretch, evaluated: Mapping[UUID, datetime] | None, snapshot: int | None
    ) -> Passed:
        started_at = self.clock()
        watermark = self.watermark()
        events = events_in(self.connection, stretch.start, stretch.end, of_rules(replay.rules))
        watched = self._alerts.watched(replay.rules, stretch)
        computed = replay.judge(events, stretch.end, watermark, watched)
        until = {rule.rule_id: settled_through(rule, stretch.end, watermark) for rule in replay.rules}
        if evaluated is not None:
            until = {rule_id: min(instant, evaluated[rule_id]) for rule_id, instant in until.items()}
        extent = _Extent(stretch, until, beyond=evaluated is not None, watermark=watermark)
        parts = [
            self._make_stand(replay, extent, part, computed_there, snapshot, started_at)
            for part, computed_there in in_parts(settled(computed, until), stretch.start, stretch.end)
        ]
        return _together(parts, events, replay.faults)

    def _make_stand(
        self,
        replay: Replay,
        extent: _Extent,
        part: Stretch,
        computed: pl.DataFrame,
        snapshot: int | None,
        started_at: datetime,
    ) -> Passed:
        connection = self.connection
        with connection.transaction():
            while_nothing_is_stored(connection)
            reach = earlier(extent.stretch.start, span_before(replay.rules))
            if snapshot is not None and arrived_since(connection, snapshot, reach, extent.stretch.end):
                raise _Overtaken
            lay_out(connection, judged(replay.rules, part, extent.until), computed)
            differences = compare(connection)
            batch_id, _ = next_batch_id(connection)
            changed = {each.rule_id for each in differences if each.any}
            inserted, left = list[str](), list[str]()
            if changed:
                inserted, left = make_it_stand(connection, origin=self.origin, batch_id=batch_id, run_id=self.run_id)
            new = computed.filter(pl.col("anomaly_id").is_in(inserted))
            alerts_changed = self._alerts.make_stand(
                replay.rules,
                replay.spans,
                part,
                computed,
                inserted=inserted,
                left=left,
                batch_id=batch_id,
                through=known_through(extent.stretch, extent.watermark),
                present=extent.watermark,
            )
            if alerts_changed.any:
                changed |= replay.spans.keys()
            if changed:
                note_changed_history(connection, list(changed))
            if not extent.beyond:
                self._cover(replay.rules, part, extent.until)
            write(connection, self._ledger_row(batch_id, differences, new, replay.faults, started_at))
        opened = alerts_changed.opened_by_day
        return Passed(part.start, part.end, {}, differences, new, beyond=extent.beyond, alerts_by_day=opened)

    def _cover(self, rules: Sequence[Rule], part: Stretch, until: Mapping[UUID, datetime]) -> None:
        origin = "rerun" if self.origin == "rerun" else "backfill"
        for end in {min(part.end, until[rule.rule_id]) for rule in rules}:
            if end > part.start:
                same = [rule for rule in rules if min(part.end, until[rule.rule_id]) == end]
                cover(self.connection, meanings(same), part.start, end, origin=origin)

    def _ledger_row(
        self,
        batch_id: int,
        differences: Sequence[RuleDifference],
        new: pl.DataFrame,
        faults: Mapping[UUID, str],
        started_at: datetime,
    ) -> LedgerRow:
        return LedgerRow(
            batch_id=batch_id,
            origin=self.origin,
            shard=0,
            first_entry=None,
            last_entry=None,
            entries=0,
            taken=0,
            stored=0,
            duplicates=0,
            dead_lettered=0,
            too_late=0,
            anomalies=new.height,
            retracted=sum(each.extra for each in differences),
            rule_errors={str(rule_id): why for rule_id, why in faults.items()},
            dagster_run_id=self.run_id,
            oldest_received_at=None,
            started_at=started_at,
            anomalies_by_severity=dict(new["severity"].value_counts().iter_rows()),
        )


def meanings(rules: Sequence[Rule]) -> list[Meaning]:
    """The rules as coverage knows them."""
    return [Meaning(rule.rule_id, rule.semantic_hash, rule.version) for rule in rules]


def settled(computed: pl.DataFrame, until: Mapping[UUID, datetime]) -> pl.DataFrame:
    """The computed anomalies of which nothing can change any more."""
    if computed.is_empty() or not until:
        return computed.clear()
    limits = pl.DataFrame(
        {"rule_id": [str(rule_id) for rule_id in until], "_until": list(until.values())},
        schema={"rule_id": pl.String(), "_until": computed.schema["occurred_at"]},
    )
    return computed.join(limits, on="rule_id").filter(pl.col("occurred_at") < pl.col("_until")).drop("_until")


def judged(rules: Sequence[Rule], part: Stretch, until: Mapping[UUID, datetime]) -> list[Judged]:
    """For each rule, where in a part computed anomalies are to stand."""
    return [
        Judged(rule.rule_id, rule.semantic_hash, part.start, min(part.end, until[rule.rule_id]))
        for rule in rules
        if until[rule.rule_id] > part.start
    ]


def in_parts(computed: pl.DataFrame, start: datetime, end: datetime) -> Iterator[tuple[Stretch, pl.DataFrame]]:
    """A slice and its anomalies, cut between instants into parts that can be written at once."""
    instants = computed["occurred_at"].sort()
    cuts = [cut for cut in instants.gather_every(MOST_AT_ONCE, MOST_AT_ONCE).unique().sort() if start < cut < end]
    for first, last in zip([start, *cuts], [*cuts, end], strict=True):
        inside = computed.filter((pl.col("occurred_at") >= first) & (pl.col("occurred_at") < last))
        yield Stretch(first, last, 0), inside


def _depends_until(rule: Rule, end: datetime, last_difference: datetime | None) -> datetime:
    """How long what happened before `end` may matter to a rule's anomalies: through windows that reach back, and
    through the cooldown of an anomaly that was not known or does not hold any more."""
    span = look_back(rule)
    through_windows = end
    if span != FOREVER and (span <= _SHORT or last_difference is not None):
        through_windows = end + span
    if last_difference is None:
        return through_windows
    return max(through_windows, last_difference + timedelta(seconds=rule.cooldown_seconds))


def _note(last_differences: dict[UUID, datetime], passed: Passed) -> None:
    for each in passed.differences:
        if each.last_at is not None:
            last_differences[each.rule_id] = each.last_at


def _together(parts: Sequence[Passed], events: pl.DataFrame, faults: Mapping[UUID, str]) -> Passed:
    """The parts of a slice as one."""
    sums: dict[UUID, RuleDifference] = {}
    for each in (each for part in parts for each in part.differences):
        sums[each.rule_id] = sums[each.rule_id].and_later(each) if each.rule_id in sums else each
    return Passed(
        parts[0].start,
        parts[-1].end,
        dict(events["timestamp"].dt.date().value_counts().iter_rows()),
        list(sums.values()),
        pl.concat([part.new for part in parts]),
        dict(faults),
        parts[0].beyond,
        dict(sum((Counter(part.alerts_by_day) for part in parts), Counter())),
    )
