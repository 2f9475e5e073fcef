"""The anomalies of all rules of a batch are written up in one go, and yet each rule answers for itself alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from eventpulse.event import EVENT_SCHEMA
from rules.evaluation import paths_of, select_rows
from rules.fields import with_fields
from rules.kinds.kind import Listed
from rules.micro_batches.detection import Findings, Horizons, arrivals, detect, empty_memory
from rules.micro_batches.shared import Shared
from rules.rule import Rule, read_rule

START = datetime(2026, 1, 31, tzinfo=UTC)
HORIZONS = Horizons(timedelta(seconds=5), timedelta(days=1), timedelta(seconds=300))


def a_rule(name: str, value: float = 1, **parts: Any) -> Rule:
    condition = {"type": "threshold", "metric": "count", "operator": ">", "value": value}
    return read_rule({"name": name, "severity": "info", "window_seconds": 60, "condition": condition, **parts})


def ticks(count: int) -> pl.DataFrame:
    rows = [
        (f"e{n}", "tick", "web", at := START + timedelta(seconds=n), at, n, f'{{"n":{n % 2}}}', "{}")
        for n in range(count)
    ]
    return pl.DataFrame(rows, schema=EVENT_SCHEMA, orient="row")


def found_by(rules: list[Rule], events: pl.DataFrame) -> Findings:
    fields = with_fields(events, paths_of(rules))
    memories = {rule.rule_id: empty_memory(select_rows(rule, fields.clear()), START) for rule in rules}
    return detect(rules, memories, arrivals(rules, memories, fields, HORIZONS), {}, START, HORIZONS)


def test_each_rule_has_its_own_anomalies_in_the_order_of_the_rules() -> None:
    rules = [a_rule("two", 1), a_rule("never", 9), a_rule("three", 2), a_rule("by parity", 1, group_by=["payload.n"])]
    found = found_by(rules, ticks(4)).anomalies

    names = {str(rule.rule_id): rule.name for rule in rules}
    assert [(names[rule_id], event_id) for rule_id, event_id in found.select("rule_id", "event_id").rows()][:5] == [
        ("two", "e1"),
        ("two", "e2"),
        ("two", "e3"),
        ("three", "e2"),
        ("three", "e3"),
    ]
    assert found["contributing"].to_list()[:5] == [
        ["e0", "e1"],
        ["e0", "e1", "e2"],
        ["e0", "e1", "e2", "e3"],
        ["e0", "e1", "e2"],
        ["e0", "e1", "e2", "e3"],
    ]
    assert sorted(map(tuple, found["contributing"].to_list()[5:])) == [("e0", "e2"), ("e1", "e3")]


def test_a_rule_whose_anomalies_cannot_be_written_up_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(rule: Rule, anomalies: object) -> list[str]:
        raise ValueError("no words")

    monkeypatch.setattr("rules.write_up.summaries", fail)
    good, bad = a_rule("good"), a_rule("bad", summary="bad")

    findings = found_by([bad, good], ticks(3))

    assert findings.faults == {bad.rule_id: "ValueError: no words"}
    assert set(findings.anomalies["rule_id"]) == {str(good.rule_id)}
    assert findings.touched == [good.rule_id]
    assert findings.memories[bad.rule_id].rows.is_empty()
    assert findings.memories[good.rule_id].rows.height == 3


def test_an_anomaly_may_have_no_contributing_event() -> None:
    groups = [{"payload.n": 0}, {"payload.n": 7}]
    condition = {"type": "absence", "groups": groups}
    silent = a_rule("silent", group_by=["payload.n"], window_seconds=5, condition=condition)
    fields = with_fields(ticks(1), paths_of([silent]))
    memories = {silent.rule_id: empty_memory(select_rows(silent, fields.clear()), START)}
    arrived = arrivals([silent], memories, fields, HORIZONS)

    found = detect([silent], memories, arrived, {}, START + timedelta(hours=1), HORIZONS).anomalies

    listed = dict(found.select("group", "contributing").rows())
    assert listed == {'{"payload.n":0}': ["e0"], '{"payload.n":7}': []}
    assert sorted(found["contributing_count"]) == [0, 1]


def test_lists_side_by_side_are_told_apart() -> None:
    assert Listed.of([["a", "b"], [], ["c"]]) == Listed(["a", "b", "c"], [2, 0, 1])


def test_what_is_shared_is_asked_once_for_each_frame() -> None:
    asked: list[int] = []
    shared, one, other = Shared(), ticks(2), ticks(2)

    def height(frame: pl.DataFrame, more: int) -> int:
        asked.append(more)
        return frame.height + more

    answers = [shared.once(height, frame, more) for frame, more in [(one, 1), (one, 1), (one, 2), (other, 1)]]

    assert answers == [3, 3, 4, 3]
    assert asked == [1, 2, 1]
