"""Run the tests that rules carry: each once over all its events, and once as a stream in pieces and disorder.

The product promises that both give the same anomalies; a test that holds one of them alone has not passed.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import polars as pl

from eventpulse.event import EVENT_SCHEMA
from rules.evaluation import evaluate_whole, paths_of, select_rows
from rules.fields import token_of, with_fields
from rules.kinds.wording import group_values
from rules.micro_batches.detection import Horizons, arrivals, detect
from rules.micro_batches.memory import REMEMBERED_ANOMALY, Memory
from rules.rule import Rule
from rules.trials.trial import Expected, Trial
from rules.window import BEGINNING

A_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
_LIFETIME = timedelta(days=3660)
_HORIZONS = Horizons(lateness=timedelta(0), correct=_LIFETIME, hot=_LIFETIME)


@dataclass(frozen=True)
class TrialReport:
    """What came of one test. It has passed where there are no problems."""

    rule: str
    test: str
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.problems


def run_tests(rules: Sequence[Rule]) -> Iterator[TrialReport]:
    """The report of every test of the rules, in order. Composites have their members."""
    for rule in rules:
        for trial in rule.tests:
            yield run_test(rule, trial)


def run_test(rule: Rule, trial: Trial) -> TrialReport:
    """Run one test of the rule both ways."""
    events = events_of(trial)
    until = None if trial.until_seconds is None else _start(trial) + timedelta(seconds=trial.until_seconds)
    whole = evaluate_whole(rule, events, until)
    problems = list(_unlike_expected(whole, trial))
    in_pieces = evaluate_in_pieces(rule, events, until, random.Random(f"{rule.name}/{trial.name}"))
    if not whole.sort("anomaly_id").equals(in_pieces.sort("anomaly_id")):
        problems.append(
            f"the {whole.height} anomalies of all events at once are not the {in_pieces.height} of the same events in "
            "pieces and disorder; please report this, it is a fault of EventPulse"
        )
    return TrialReport(rule.name, trial.name, tuple(problems))


def events_of(trial: Trial) -> pl.DataFrame:
    """The events of a test (EVENT_SCHEMA), in the order in which they stand there."""
    rows: list[tuple[object, ...]] = []
    for several in trial.events:
        payload, metadata = (msgspec.json.encode(part).decode() for part in (several.payload, several.metadata))
        for number in range(several.repeat):
            at = _start(trial) + timedelta(seconds=several.at_seconds + number * several.every_seconds)
            received = at + timedelta(seconds=several.lag_seconds)
            place = len(rows)
            rows.append(
                (str(UUID(int=place)), several.event_type, several.source, at, received, place, payload, metadata)
            )
    return pl.DataFrame(rows, schema=EVENT_SCHEMA, orient="row")


def evaluate_in_pieces(rule: Rule, events: pl.DataFrame, until: datetime | None, chance: random.Random) -> pl.DataFrame:
    """The anomalies that stand after the events have come in disorder, in micro-batches of random sizes."""
    empty = select_rows(rule, with_fields(EVENT_SCHEMA.to_frame(), paths_of([rule])))
    memories = {rule.rule_id: Memory(floor=BEGINNING, rows=empty, anomalies=REMEMBERED_ANOMALY.to_frame())}
    standing = evaluate_whole(rule, EVENT_SCHEMA.to_frame(), until).clear()
    at, newest = 0, BEGINNING
    order = list(range(events.height))
    chance.shuffle(order)
    while at < events.height:
        size = chance.randint(1, max(1, events.height // 3))
        batch = with_fields(events[order[at : at + size]], paths_of([rule]))
        at += size
        newest = max(newest, *batch["timestamp"])
        last = at >= events.height
        watermark = min(newest, until or newest) if not last else until or newest + _LIFETIME
        found = detect([rule], memories, arrivals([rule], memories, batch, _HORIZONS), {}, watermark, _HORIZONS)
        if found.faults:
            raise RuntimeError(found.faults[rule.rule_id])
        memories = found.memories
        kept = standing.filter(~pl.col("anomaly_id").is_in([*found.retracted, *found.restated["anomaly_id"]]))
        standing = pl.concat([kept, found.restated, found.anomalies.select(standing.columns)])
    return standing


def _unlike_expected(anomalies: pl.DataFrame, trial: Trial) -> Iterator[str]:
    missing = [(at, expected) for expected in trial.expect for at in _instants(expected)]
    missing.sort(key=lambda one: (one[0] is None, one[1].group is None, one[1].message is None))
    for anomaly in anomalies.sort("occurred_at", "group").iter_rows(named=True):
        seconds = (anomaly["occurred_at"] - _start(trial)).total_seconds()
        met = next((one for one in missing if _meets(anomaly, seconds, *one)), None)
        if met is None:
            yield f"an anomaly that nobody expects{_where(seconds, _group(anomaly['group']))}: {anomaly['message']}"
        else:
            missing.remove(met)
    for at, expected in missing:
        words = f", saying {expected.message!r}" if expected.message else ""
        yield f"no anomaly{_where(at, expected.group or {})}{words}"


def _instants(expected: Expected) -> list[float | None]:
    if expected.at_seconds is None:
        return [None] * expected.repeat
    return [expected.at_seconds + number * expected.every_seconds for number in range(expected.repeat)]


def _meets(anomaly: dict[str, object], seconds: float, at: float | None, expected: Expected) -> bool:
    if at is not None and abs(at - seconds) > 1e-6:
        return False
    if expected.message is not None and expected.message != anomaly["message"]:
        return False
    found = msgspec.json.decode(str(anomaly["group"]), type=dict[str, msgspec.Raw])
    wanted = {path: token_of(value) or "null" for path, value in (expected.group or {}).items()}
    return all(path in found and bytes(found[path]).decode() == token for path, token in wanted.items())


def _group(text: object) -> dict[str, str]:
    return group_values(str(text))


def _where(seconds: float | None, group: dict[str, str]) -> str:
    when = "" if seconds is None else f" at {seconds:g} s"
    named = ", ".join(f"{path}={value}" for path, value in group.items())
    return when + (f" for {named}" if named else "")


def _start(trial: Trial) -> datetime:
    if trial.starts_at is None:
        return A_MONDAY
    return trial.starts_at.replace(tzinfo=UTC) if trial.starts_at.tzinfo is None else trial.starts_at.astimezone(UTC)
