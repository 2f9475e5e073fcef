"""Evaluate the rule book over micro-batches: keep each rule's memory, recall what it lacks, isolate rules that fail."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import polars as pl
import psycopg

from eventpulse.database.findings import Progress, load_progress
from eventpulse.database.history import batches_after
from eventpulse.database.ledger import newest_batch_id, rule_book_revision
from eventpulse.database.rule_book import ChangedHistory, changed_history
from pipelines.read_rules import read_rules
from pipelines.recall import build_memory, recall, standing_anomalies
from rules.arrival import Arrival
from rules.detection import Findings, Horizons, arrivals, detect
from rules.evaluation import moves_without_events, paths_of
from rules.fields import with_fields
from rules.memory import Memory, add_rows, oldest_anomaly, trim
from rules.rule import Rule

#: After so many micro-batches in a row in which a rule failed, it is suspended until it is changed or resumed.
FAILURES_TO_SUSPEND = 5


@dataclass(frozen=True)
class Foreseen:
    """What can be said about a batch before its events are stored; `findings` is None where history must be asked."""

    rules: list[Rule]
    arrived: list[Arrival]
    findings: Findings | None


@dataclass(frozen=True)
class Found:
    """What one micro-batch changes, and how far each rule has got with it. Nothing of it counts before `keep`."""

    findings: Findings
    progress: list[Progress]

    @property
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
        )


class Detector:
    """The rule book in evaluation, on one connection. Not shared between threads."""

    def __init__(self, connection: psycopg.Connection, horizons: Horizons) -> None:
        self._connection = connection
        self._horizons = horizons
        self._revision: int | None = None
        self._rules: dict[UUID, Rule] = {}
        self._memories: dict[UUID, Memory] = {}
        self._progress: dict[UUID, Progress] = {}
        self._seen: int | None = None
        self._history = ChangedHistory(0, {})

    @property
    def rules(self) -> Mapping[UUID, Rule]:
        """The rules that are being evaluated."""
        return self._rules

    def refresh(self, revision: int) -> dict[UUID, str]:
        """Follow the rule book to a revision, and rebuild the memories that are missing; says which rules could not be.

        To be called before the events of a batch are stored: a memory is built from what is stored.
        """
        faults: dict[UUID, str] = {}
        if revision != self._revision:
            self._rules, faults = self._read_rules()
            self._memories = {rule_id: kept for rule_id, kept in self._memories.items() if rule_id in self._rules}
            self._follow_history()
            self._revision = revision
        for rule_id in self._rules.keys() - self._memories.keys():
            rule = self._rules[rule_id]
            try:
                with self._connection.transaction():
                    self._memories[rule_id] = build_memory(
                        self._connection, rule, self._progress.get(rule_id), self._horizons.hot
                    )
            except psycopg.OperationalError:
                raise
            except Exception as fault:  # a rule that cannot be prepared holds up neither persistence nor other rules
                faults[rule_id] = f"{type(fault).__name__}: {fault}"
        return faults

    def go_on_with(self, connection: psycopg.Connection) -> None:
        """Use another connection from now on, where the last one broke. What a batch brought that was committed at its
        end, unknown to us, `follow` finds."""
        self._connection = connection

    def follow(self) -> None:
        """Come up to what is stored, as a standby does: what another leader commits is remembered, not judged."""
        with self._connection.transaction():
            self._connection.execute("set transaction isolation level repeatable read")
            newest_batch = newest_batch_id(self._connection)
            if self._seen is not None and newest_batch > self._seen and self._memories:
                self._remember(batches_after(self._connection, self._seen))
            self._seen = newest_batch
            self.refresh(rule_book_revision(self._connection))

    def name_of(self, rule_id: UUID) -> str:
        """What people call a rule."""
        return self._rules[rule_id].name

    def foresee(self, events: pl.DataFrame, watermark: datetime, faults: Mapping[UUID, str]) -> Foreseen:
        """Judge new events as far as that is possible without the database, so that it can be done while they are
        being stored. Reads the rules and memories and changes neither."""
        rules = [rule for rule_id, rule in self._rules.items() if rule_id in self._memories and rule_id not in faults]
        arrived: list[Arrival] = []
        if not events.is_empty() and rules:
            arrived = arrivals(rules, self._memories, with_fields(events, paths_of(rules)), self._horizons)
        if any(not arrival.forgotten.is_empty() for arrival in arrived):
            return Foreseen(rules, arrived, None)
        return Foreseen(rules, arrived, detect(rules, self._memories, arrived, {}, watermark, self._horizons))

    def find(self, foreseen: Foreseen, watermark: datetime, now: datetime, faults: Mapping[UUID, str]) -> Found:
        """What a batch changes. Its events are stored in the caller's transaction by now: late ones need history."""
        findings = foreseen.findings
        if findings is None:
            late = [arrival for arrival in foreseen.arrived if not arrival.forgotten.is_empty()]
            recalled = {arrival.rule.rule_id: recall(self._connection, arrival) for arrival in late}
            findings = detect(foreseen.rules, self._memories, foreseen.arrived, recalled, watermark, self._horizons)
        findings = replace(findings, faults={**faults, **findings.faults})
        return Found(findings, self._progress_after(findings, now))

    def keep(self, found: Found, batch_id: int | None = None) -> None:
        """Remember what a batch brought, once it is committed. Rules that failed lose their memory, which missed it."""
        self._seen = self._seen if batch_id is None else batch_id
        self._memories = found.findings.memories
        for rule_id in found.findings.faults:
            self._memories.pop(rule_id, None)
        for progress in found.progress:
            self._progress[progress.rule_id] = progress
            if progress.suspended_at is not None:
                self._rules.pop(progress.rule_id, None)
                self._memories.pop(progress.rule_id, None)

    def waits_for_time(self, watermark: datetime) -> bool:
        """Whether the watermark's advance alone could make a rule true or false by now."""
        return any(
            memory.judged_through is None or watermark - memory.judged_through >= self._horizons.watermark_step
            for rule_id, memory in self._memories.items()
            if moves_without_events(self._rules[rule_id]) and not memory.rows.is_empty()
        )

    def _remember(self, events: pl.DataFrame) -> None:
        rules = [self._rules[rule_id] for rule_id in self._memories]
        brought = arrivals(rules, self._memories, with_fields(events, paths_of(rules)), self._horizons)
        progress = load_progress(self._connection)
        for rule in rules:
            memory = self._memories[rule.rule_id]
            for arrival in brought:
                if arrival.rule is rule:
                    memory = add_rows(memory, arrival.rows, arrival.newest)
            judged = progress.get(rule.rule_id)
            memory = replace(
                memory,
                anomalies=standing_anomalies(self._connection, rule, oldest_anomaly(rule, memory.floor)),
                judged_through=judged.judged_through if judged is not None else memory.judged_through,
            )
            self._memories[rule.rule_id] = trim(rule, memory, self._horizons.hot)

    def _follow_history(self) -> None:
        """Forget what others have changed in the database: all memories where events were put in, the anomalies of a
        rule where they were found or retracted again."""
        before, self._history = self._history, changed_history(self._connection)
        if self._history.imports != before.imports:
            self._memories.clear()
        for rule_id, memory in self._memories.items():
            if self._history.of_rule.get(rule_id) != before.of_rule.get(rule_id):
                rule = self._rules[rule_id]
                anomalies = standing_anomalies(self._connection, rule, oldest_anomaly(rule, memory.floor))
                self._memories[rule_id] = replace(memory, anomalies=anomalies)

    def _read_rules(self) -> tuple[dict[UUID, Rule], dict[UUID, str]]:
        self._progress = dict(load_progress(self._connection))
        rules: dict[UUID, Rule] = {}
        enabled, faults = read_rules(self._connection)
        for rule in enabled:
            known = self._progress.get(rule.rule_id)
            if known is not None and known.semantic_hash != rule.semantic_hash:
                self._progress.pop(rule.rule_id)
                known = None
            if known is not None and known.suspended_at is not None:
                continue
            before = self._rules.get(rule.rule_id)
            if before is not None and before.semantic_hash != rule.semantic_hash:
                self._memories.pop(rule.rule_id, None)
            rules[rule.rule_id] = rule
        return rules, faults

    def _progress_after(self, findings: Findings, now: datetime) -> list[Progress]:
        changed = []
        for rule_id in findings.touched:
            memory = findings.memories[rule_id]
            changed.append(Progress(rule_id, self._rules[rule_id].semantic_hash, memory.newest, memory.judged_through))
        for rule_id, why in findings.faults.items():
            rule = self._rules.get(rule_id)
            if rule is None:
                continue
            before = self._progress.get(rule_id) or Progress(rule_id, rule.semantic_hash)
            failures = before.failures + 1
            suspended = now if failures >= FAILURES_TO_SUSPEND else None
            changed.append(replace(before, failures=failures, last_error=why, suspended_at=suspended))
        return [after for after in changed if after != self._progress.get(after.rule_id)]
