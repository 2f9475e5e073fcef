"""A rule that gets more groups than it may have is judged with the batch that brings them, and is limited then."""

from datetime import timedelta

import polars as pl
import pytest

from rules.evaluation import evaluate_whole, paths_of, select_rows
from rules.fields import with_fields
from rules.micro_batches.detection import Horizons, arrivals, detect, empty_memory
from rules.micro_batches.limit import within_limit
from rules.micro_batches.memory import Memory
from rules.rule import Rule, read_rule
from rules.trials.replay import Replay
from tests.reference.agreement import EPOCH, START, Event, frame

HORIZONS = Horizons(lateness=timedelta(0), correct=timedelta(days=1), hot=timedelta(0))
FIRST = EPOCH + timedelta(microseconds=START)


def a_rule(kind: str = "threshold", *, most: int = 3) -> Rule:
    conditions = {
        "threshold": {"type": "threshold", "metric": "count", "operator": ">", "value": 0},
        "new_value": {"type": "new_value", "field": "payload.v", "learn_seconds": 0},
        "match": {"type": "match"},
    }
    return read_rule(
        {
            "name": kind,
            "severity": "info",
            "window_seconds": 10,
            "group_by": ["payload.ip"],
            "max_groups": most,
            "condition": conditions[kind],
        }
    )


def events(*groups: int, second: int = 0) -> list[Event]:
    return [
        Event(
            f"00000000-0000-4000-8000-{second:06d}{number:06d}",
            "x",
            "web",
            START + second * 1_000_000,
            number,
            {"ip": f"ip{group}"},
        )
        for number, group in enumerate(groups)
    ]


class Live:
    """Batches of one rule, one after the other."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        empty = select_rows(rule, with_fields(frame([]), paths_of([rule])))
        self.memories = {rule.rule_id: empty_memory(empty, FIRST - timedelta(days=1))}

    def takes(self, batch: list[Event]) -> tuple[int, str | None]:
        """How many anomalies the batch brings, and why the rule is limited after it."""
        brought = arrivals([self.rule], self.memories, with_fields(frame(batch), paths_of([self.rule])), HORIZONS)
        found = detect([self.rule], self.memories, brought, {}, FIRST, HORIZONS)
        self.memories = found.memories
        return found.anomalies.height, found.limited.get(self.rule.rule_id)


def test_the_batch_that_brings_too_many_is_still_judged_for_all_of_them() -> None:
    live = Live(a_rule())

    assert live.takes(events(1, 2, 3)) == (3, None)
    anomalies, why = live.takes(events(4, 5, second=1))

    assert anomalies == 2
    assert why is not None and why.startswith("It has 5 groups, and its max_groups is 3.")


def test_groups_that_no_longer_matter_do_not_count() -> None:
    live = Live(a_rule())

    for second in range(0, 100, 10):
        assert live.takes(events(second, second + 1, second + 2, second=second)) == (3, None)


def test_rules_that_look_back_for_ever_count_every_group_there_was() -> None:
    live = Live(a_rule("new_value"))

    assert live.takes(events(1, 2, 3))[1] is None
    why = live.takes(events(4, second=50))[1]
    assert why is not None and "It has 4 groups" in why


def test_a_rule_that_remembers_nothing_is_never_limited() -> None:
    live = Live(a_rule("match"))

    assert live.takes(events(*range(50))) == (50, None)


def test_groups_are_counted_only_when_they_may_have_become_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    monkeypatch.setattr("rules.micro_batches.limit.carry", lambda rule, rows, at: counted.append(1) or rows)
    rule = a_rule(most=100)
    rows = select_rows(rule, with_fields(frame(events(*range(40))), paths_of([rule])))
    memory = Memory(FIRST, rows, pl.DataFrame(), newest=FIRST, groups_at_most=50)

    memory, why = within_limit(rule, memory, 40)
    assert (memory.groups_at_most, why) == (90, None)
    memory, why = within_limit(rule, memory, 40)
    assert (memory.groups_at_most, why) == (40, None)
    assert not counted


def test_a_replay_judges_the_slice_that_brings_too_many_and_no_further_one() -> None:
    rule = a_rule()
    replay = Replay([rule], FIRST)
    slices = [events(1, 2, second=0), events(3, 4, second=1), events(5, second=2)]

    found = [
        replay.judge(frame(one), FIRST + timedelta(seconds=number + 1)).height for number, one in enumerate(slices)
    ]

    assert found == [2, 2, 0]
    assert "max_groups is 3" in replay.faults[rule.rule_id]
    assert replay.rules == []


def test_what_was_found_up_to_there_is_what_one_evaluation_finds() -> None:
    live = Live(a_rule())
    batches = [events(1, 2, 3), events(4, 5, 1, second=1)]

    found = sum(live.takes(batch)[0] for batch in batches)

    assert found == evaluate_whole(live.rule, frame([event for batch in batches for event in batch])).height
