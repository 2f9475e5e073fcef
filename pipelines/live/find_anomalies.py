"""Evaluate the rule book over micro-batches: keep each rule's memory, recall what it lacks, isolate rules that fail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from uuid import UUID

import polars as pl
import psycopg

from eventpulse.database.anomalies.findings import Progress, load_progress
from eventpulse.database.events.history import events_of_batches
from eventpulse.database.ledger.ledger import Present, TakenTurn, present, turns_after
from eventpulse.database.rules.rule_book import changed_history
from eventpulse.stream.shards import ONLY
from pipelines.live.keep_events import keep_events
from pipelines.live.open_alerts import OpenAlerts
from pipelines.live.prepare_rules import Preparations
from pipelines.live.recall import build_memory, recall, standing_anomalies
from pipelines.read_rules import read_rules
from rules.evaluation import moves_without_events, paths_of, select_all
from rules.fields import with_fields
from rules.micro_batches.arrival import Arrival
from rules.micro_batches.detection import Findings, Horizons, Recalled, arrivals, detect, looking_at
from rules.micro_batches.memory import Memory, add_past, add_rows, oldest_anomaly, trim
from rules.rule import Rule
from rules.trials.replay import wanted_events

#: After so many micro-batches in a row in which a rule failed, it is suspended until it is changed or resumed.
FAILURES_TO_SUSPEND = 5
#: Where others have stored more than this meanwhile, what rules remember is read anew instead of being added to.
MOST_FOLLOWED = 200_000


@dataclass(frozen=True)
class Foreseen:
    """What can be said about a batch before its events are stored; `findings` is None where history must be asked.
    `shard` is the one its events come through."""

    shard: int
    rules: list[Rule]
    arrived: list[Arrival]
    findings: Findings | None


@dataclass(frozen=True)
class Found:
    """What one micro-batch changes, and how far each rule has got with it. Nothing of it counts before `keep`."""

    findings: Findings
    progress: list[Progress]
    shard: int = ONLY.number
    #: For each rule that was judged, the newest event accepted through the shard so far.
    accepted: Mapping[UUID, datetime | None] = field(default_factory=dict)

    @cached_property
    def anomalies(self) -> pl.DataFrame:
        """New anomalies, ANOMALY_SCHEMA plus `origin`."""
        origin = pl.when("late").then(pl.lit("late")).otherwise(pl.lit("live"))
        return self.findings.anomalies.with_columns(origin=origin).drop("late")

    @property
    def changes_anything(self) -> bool:
        """Whether there is anything to write down at once; progress alone can wait for the next batch."""
        findings = self.findings
        return bool(
            not findings.anomalies.is_empty()
            or not findings.restated.is_empty()
            or findings.retracted
            or findings.faults
            or findings.limited
        )


class Detector:
    """The rule book in evaluation, on one connection. Not shared between threads.

    Several drains judge one after the other, each on a memory of its own: before its turn counts, it catches up with
    what the others have judged since.
    """

    def __init__(self, connection: psycopg.Connection, horizons: Horizons) -> None:
        self._connection = connection
        self._horizons = horizons
        self._revision: int | None = None
        self._rules: dict[UUID, Rule] = {}
        self._memories: dict[UUID, Memory] = {}
        self._progress: dict[UUID, Progress] = {}
        self._seen: int | None = None
        self._history: dict[UUID, int] = {}
        #: For each rule and shard, the newest event that was accepted through it.
        self._accepted: dict[UUID, dict[int, datetime | None]] = {}
        #: The rules that are enabled, those among them that rest or cannot be evaluated too.
        self._enabled: frozenset[UUID] = frozenset()
        #: The rules that are enabled and whose past is still being read.
        self._unprepared: frozenset[UUID] = frozenset()
        #: Who reads long pasts of new rules; where nobody does, they are read at once.
        self.preparations: Preparations | None = None
        self.alerts = OpenAlerts(horizons.lateness)
        #: Grows when anything is learned that was judged or changed by others.
        self.known = 0
        #: The newest event of all that others have stored while this drain looked on.
        self.newest_followed: datetime | None = None

    @property
    def rules(self) -> Mapping[UUID, Rule]:
        """The rules that are being evaluated."""
        return {rule_id: rule for rule_id, rule in self._rules.items() if rule_id not in self._unprepared}

    def catch_up(self, now: Present, *, besides: int | None = None) -> dict[UUID, str]:
        """Remember what others have judged, and follow the rule book; says which rules cannot be evaluated, and why. To
        be called in the turn to judge, so that nobody commits meanwhile; where the batch in hand is stored already,
        `besides` is its id."""
        self.follow_others(now.turn)
        faults = self.refresh(now.revision, besides=besides)
        if not self.alerts.is_at(self.known):
            newest = {rule_id: memory.newest for rule_id, memory in self._memories.items()}
            self.alerts.follow(self._connection, self.known, self._rules, self._enabled, newest)
        return faults

    def is_at(self, now: Present) -> bool:
        """Whether this is all up to the present."""
        return self._seen == now.turn and self._revision == now.revision

    def refresh(self, revision: int, *, besides: int | None = None) -> dict[UUID, str]:
        """Follow the rule book to a revision, and rebuild the memories that are missing; says which rules could not be.

        A memory is built from what is stored. What is stored of the batch in hand, `besides`, is left out.
        """
        faults: dict[UUID, str] = {}
        if revision != self._revision:
            self.known += 1
            self._rules, faults = self._read_rules()
            self._memories = {rule_id: kept for rule_id, kept in self._memories.items() if rule_id in self._rules}
            self._follow_history()
            self._revision = revision
        unprepared = set()
        for rule_id in self._rules.keys() - self._memories.keys():
            rule = self._rules[rule_id]
            try:
                with self._connection.transaction():
                    memory = self._memory_of(rule, besides)
                    if memory is None:
                        unprepared.add(rule_id)
                        continue
                    self.known += 1
                    self._memories[rule_id] = memory
                    self._accepted.setdefault(rule_id, {})[ONLY.number] = self._memories[rule_id].newest
            except psycopg.OperationalError:
                raise
            except Exception as fault:  # a rule that cannot be prepared holds up neither persistence nor other rules
                faults[rule_id] = f"{type(fault).__name__}: {fault}"
        self._unprepared = frozenset(unprepared)
        return faults

    def _memory_of(self, rule: Rule, besides: int | None) -> Memory | None:
        """None where it is still being read. A rule that was evaluated before goes on at once, whatever that takes: it
        counts as evaluated all along."""
        progress = self._progress.get(rule.rule_id)
        if self.preparations is None or progress is not None:
            return build_memory(self._connection, rule, progress, self._horizons.hot, besides=besides)
        return self.preparations.memory_of(self._connection, rule, self._seen or 0, besides=besides)

    def go_on_with(self, connection: psycopg.Connection) -> None:
        """Use another connection from now on, where the last one broke. What a batch brought that was committed at its
        end, unknown to us, `follow` finds."""
        self._connection = connection

    def follow(self) -> dict[UUID, str]:
        """Come up to what is stored, as a standby does: what another leader commits is remembered, not judged. Says
        which rules cannot be evaluated."""
        with self._connection.transaction():
            self._connection.execute("set transaction isolation level repeatable read")
            return self.catch_up(present(self._connection))

    def follow_others(self, turn: int) -> None:
        """Remember what was judged up to a turn. Until the turn is one's own, others may judge on meanwhile: then this
        only saves time later."""
        before, self._seen = self._seen, turn
        taken = turns_after(self._connection, before, turn) if before is not None and turn > before else []
        if not taken:
            return
        self.known += 1
        self._follow_progress()
        newest = (batch.newest_event_at for batch in taken)
        self.newest_followed = max(filter(None, (self.newest_followed, *newest)), default=None)
        brought = [batch for batch in taken if batch.stored]
        if sum(batch.stored for batch in brought) > MOST_FOLLOWED:
            self._memories.clear()
        elif self._memories:
            self._remember_events([batch for batch in brought if batch.origin == "live"])
            self._remember_imports([batch for batch in brought if batch.origin != "live"])
            self._remember_anomalies({rule_id for batch in taken for rule_id in batch.changed_rules})

    def name_of(self, rule_id: UUID) -> str:
        """What people call a rule."""
        return self._rules[rule_id].name

    def foresee(
        self, events: pl.DataFrame, watermark: datetime, faults: Mapping[UUID, str], *, shard: int = ONLY.number
    ) -> Foreseen:
        """Judge new events as far as that is possible without the database, so that it can be done while they are
        being stored. Reads the rules and memories and changes neither."""
        rules = [rule for rule_id, rule in self._rules.items() if rule_id in self._memories and rule_id not in faults]
        arrived: list[Arrival] = []
        if not events.is_empty() and rules:
            arrived = self._arrivals(rules, events, shard)
        if any(not arrival.forgotten.is_empty() for arrival in arrived):
            return Foreseen(shard, rules, arrived, None)
        return Foreseen(shard, rules, arrived, self._detect(rules, arrived, {}, watermark))

    def find(self, foreseen: Foreseen, watermark: datetime, now: datetime, faults: Mapping[UUID, str]) -> Found:
        """What a batch changes. Its events are stored in the caller's transaction by now: late ones need history."""
        findings = foreseen.findings
        if findings is None:
            late = [arrival for arrival in foreseen.arrived if not arrival.forgotten.is_empty()]
            recalled = {arrival.rule.rule_id: self._recall(arrival) for arrival in late}
            findings = self._detect(foreseen.rules, foreseen.arrived, recalled, watermark)
        findings = replace(findings, faults={**faults, **findings.faults})
        accepted = {arrival.rule.rule_id: arrival.newest for arrival in foreseen.arrived}
        return Found(findings, self._progress_after(findings, now), foreseen.shard, accepted)

    def keep(self, found: Found, turn: int | None = None) -> None:
        """Remember what a batch brought, once it is committed. Rules that failed lose their memory, which missed it."""
        self._seen = self._seen if turn is None else turn
        self._memories = found.findings.memories
        for rule_id, newest in found.accepted.items():
            if rule_id not in found.findings.faults:
                self._accepted.setdefault(rule_id, {})[found.shard] = newest
        for rule_id in found.findings.faults:
            self._memories.pop(rule_id, None)
        for progress in found.progress:
            self._progress[progress.rule_id] = progress
            if progress.rests:
                self._rules.pop(progress.rule_id, None)
                self._memories.pop(progress.rule_id, None)

    def hand_on(self) -> None:
        """Write down what whoever starts next would have to read all of history for."""
        if self._seen:
            with self._connection.transaction():
                keep_events(self._connection, self._rules, self._memories, self._seen, self._horizons.hot)

    def waits_for_time(self, watermark: datetime) -> bool:
        """Whether the watermark's advance alone could make a rule true or false by now."""
        return any(
            memory.judged_through is None or watermark - memory.judged_through >= self._horizons.watermark_step
            for rule_id, memory in self._memories.items()
            if moves_without_events(self._rules[rule_id]) and not memory.rows.is_empty()
        )

    def newest_of(self, rule_id: UUID) -> datetime | None:
        """The newest event time that a rule has selected."""
        memory = self._memories.get(rule_id)
        return None if memory is None else memory.newest

    def _recall(self, arrival: Arrival) -> Recalled:
        return recall(self._connection, arrival, self._memories[arrival.rule.rule_id])

    def _detect(
        self,
        rules: Sequence[Rule],
        arrived: Sequence[Arrival],
        recalled: Mapping[UUID, Recalled],
        watermark: datetime,
    ) -> Findings:
        watched = self.alerts.watched()
        return detect(rules, self._memories, arrived, recalled, watermark, self._horizons, watched)

    def _arrivals(self, rules: Sequence[Rule], events: pl.DataFrame, shard: int) -> list[Arrival]:
        rules = looking_at(rules, events)
        accepted = {rule.rule_id: self._accepted.get(rule.rule_id, {}).get(shard) for rule in rules}
        return arrivals(rules, self._memories, with_fields(events, paths_of(rules)), self._horizons, accepted)

    def _follow_progress(self) -> None:
        """Take over how far others have got with each rule. A rule that rests is none any more; a memory that
        does not reach back to where the next judgement begins is built anew."""
        self._progress = dict(load_progress(self._connection))
        for rule_id, rule in list(self._rules.items()):
            known, memory = self._progress.get(rule_id), self._memories.get(rule_id)
            if known is None or known.semantic_hash != rule.semantic_hash:
                continue
            if known.rests:
                self._rules.pop(rule_id)
                self._memories.pop(rule_id, None)
            elif memory is not None and known.judged_through is not None:
                if memory.judged_through != known.judged_through:
                    self._memories[rule_id] = replace(memory, judged_through=known.judged_through)
                if known.judged_through < memory.floor:
                    self._memories.pop(rule_id)

    def _remember_events(self, taken: Sequence[TakenTurn]) -> None:
        rules = [self._rules[rule_id] for rule_id in self._memories]
        for shard in dict.fromkeys(batch.shard for batch in taken):
            events = self._events_of([batch for batch in taken if batch.shard == shard], rules)
            for arrival in self._arrivals(rules, events, shard):
                rule, memory = arrival.rule, self._memories[arrival.rule.rule_id]
                memory = add_rows(memory, arrival.rows, arrival.newest)
                memory = replace(memory, groups_at_most=memory.groups_at_most + arrival.scope.height)
                self._memories[rule.rule_id] = trim(rule, memory, self._horizons.hot)
                self._accepted.setdefault(rule.rule_id, {})[shard] = arrival.newest

    def _remember_imports(self, taken: Sequence[TakenTurn]) -> None:
        """Events that were put into the past: they are part of what later ones are judged on, however late they are."""
        rules = [self._rules[rule_id] for rule_id in self._memories]
        events = self._events_of(taken, rules)
        rules = looking_at(rules, events)
        for rule_id, rows in select_all(rules, with_fields(events, paths_of(rules))).items():
            if rows.is_empty():
                continue
            known, memory = self._progress.get(rule_id), self._memories[rule_id]
            counts = known is None or known.newest_event_at is None
            self._memories[rule_id] = add_past(self._rules[rule_id], memory, rows, self._horizons.hot, counts=counts)

    def _events_of(self, taken: Sequence[TakenTurn], rules: Sequence[Rule]) -> pl.DataFrame:
        wanted = wanted_events(rules)
        return events_of_batches(
            self._connection,
            [batch.batch_id for batch in taken],
            wanted.event_types,
            wanted.sources,
            payload=wanted.payload,
            metadata=wanted.metadata,
        )

    def _remember_anomalies(self, rule_ids: set[UUID]) -> None:
        for rule_id in rule_ids & self._memories.keys():
            rule, memory = self._rules[rule_id], self._memories[rule_id]
            anomalies = standing_anomalies(self._connection, rule, oldest_anomaly(rule, memory.floor))
            self._memories[rule_id] = replace(memory, anomalies=anomalies)

    def _follow_history(self) -> None:
        """Read the anomalies of rules anew where others have found or retracted any."""
        before, self._history = self._history, changed_history(self._connection)
        for rule_id, memory in self._memories.items():
            if self._history.get(rule_id) != before.get(rule_id):
                rule = self._rules[rule_id]
                anomalies = standing_anomalies(self._connection, rule, oldest_anomaly(rule, memory.floor))
                self._memories[rule_id] = replace(memory, anomalies=anomalies)

    def _read_rules(self) -> tuple[dict[UUID, Rule], dict[UUID, str]]:
        self._progress = dict(load_progress(self._connection))
        rules: dict[UUID, Rule] = {}
        enabled, faults = read_rules(self._connection)
        self._enabled = frozenset([*(rule.rule_id for rule in enabled), *faults])
        for rule in enabled:
            known = self._progress.get(rule.rule_id)
            if known is not None and known.semantic_hash != rule.semantic_hash:
                self._progress.pop(rule.rule_id)
                known = None
            if known is not None and known.rests:
                continue
            before = self._rules.get(rule.rule_id)
            if before is not None and before.semantic_hash != rule.semantic_hash:
                self._memories.pop(rule.rule_id, None)
                self._accepted.pop(rule.rule_id, None)
            rules[rule.rule_id] = rule
        return rules, faults

    def _progress_after(self, findings: Findings, now: datetime) -> list[Progress]:
        changed = []
        for rule_id in findings.touched:
            memory = findings.memories[rule_id]
            judged = Progress(rule_id, self._rules[rule_id].semantic_hash, memory.newest, memory.judged_through)
            if (why := findings.limited.get(rule_id)) is not None:
                judged = replace(judged, limited_at=now, limited_why=why)
            changed.append(judged)
        for rule_id, why in findings.faults.items():
            rule = self._rules.get(rule_id)
            if rule is None:
                continue
            before = self._progress.get(rule_id) or Progress(rule_id, rule.semantic_hash)
            failures = before.failures + 1
            suspended = now if failures >= FAILURES_TO_SUSPEND else None
            changed.append(replace(before, failures=failures, last_error=why, suspended_at=suspended))
        return [after for after in changed if after != self._progress.get(after.rule_id)]
