"""The figures of a measurement are what they are called."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks import rules as rules_alone
from benchmarks.drain import threshold_rules
from benchmarks.invented_events import bodies, invented_events
from benchmarks.plain_loop import EXACT
from benchmarks.results import medians, percentile, report, spread
from benchmarks.watch_arrivals import Arrivals


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_the_value_that_this_share_does_not_pass(share: float, value: int) -> None:
    assert percentile(range(1, 101), share) == value


def test_one_value_is_every_percentile() -> None:
    assert spread("ms", [7.0]) == {"ms p50": 7.0, "ms p95": 7.0, "ms p99": 7.0, "ms max": 7.0, "ms n": 1}


def test_a_median_is_taken_over_the_runs_that_have_the_figure() -> None:
    assert medians([{"a": 1.0, "b": None}, {"a": 9.0}, {"a": 2.0, "b": 4.0}]) == {"a": 2.0, "b": 4.0}


def test_results_of_several_measurements_share_one_file(tmp_path: Path) -> None:
    place = tmp_path / "results.json"
    report("one", {"row": [{"x": 1.0}, {"x": 3.0}]}, unit="s", json_file=place)
    report("two", {"row": [{"y": 5.0}]}, unit="s", json_file=place)
    results = json.loads(place.read_text())
    assert results["one"]["medians"] == {"row": {"x": 2.0}}
    assert results["one"]["runs"] == {"row": [{"x": 1.0}, {"x": 3.0}]}
    assert "cores" in results["two"]["machine"]["machine"]


def test_invented_events_are_of_a_common_size_and_spread_up_to_the_newest() -> None:
    newest = datetime(2026, 1, 31, tzinfo=UTC)
    events = invented_events(5, newest=newest, over=timedelta(hours=1))
    times = [datetime.fromisoformat(event["timestamp"]) for event in events]
    assert times[0] == newest - timedelta(hours=1) and times[-1] == newest and times == sorted(times)
    assert 300 <= len(bodies(events, 1)[0]) <= 420
    assert [len(json.loads(body)) for body in bodies(events, 2)] == [2, 2, 1]


def test_benchmark_rules_differ_from_each_other_and_are_the_same_each_time() -> None:
    rules = threshold_rules(50)
    assert rules == threshold_rules(50)
    assert len({json.dumps(rule["condition"]) for rule in rules}) == 50


def test_what_did_not_arrive_is_counted_as_missing() -> None:
    arrivals = Arrivals(accepted={"a": 1.0, "b": 2.0}, triggers={"b"}, rows={"a": 1.5}, runs=["r1", "r2"])
    figures = arrivals.figures()
    assert (figures["row p50"], figures["missing"], arrivals.handovers) == (500.0, 2, 1)


@pytest.mark.parametrize("kind", sorted(EXACT))
@pytest.mark.parametrize("keys", [0, 20])
def test_the_plain_loop_finds_what_the_rules_find(kind: str, keys: int) -> None:
    batch = rules_alone.invented(2_000, max(keys, 1))
    documents = [rules_alone.document(kind, number, keys) for number in range(3)]
    rules = rules_alone.rules_of(documents)

    found = rules_alone.evaluated(rules, rules_alone.empty_memories(rules, batch), batch)

    assert found > 0 or (kind, keys) == ("threshold", 0)
    assert rules_alone.looped(documents, batch, found) > 0
