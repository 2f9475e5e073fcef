"""A rule is read from its document, or refused with one sentence for each thing that is wrong."""

from typing import Any
from uuid import UUID

import pytest

from rules.conditions import Absence, Change, Composite, Deviation, Threshold, Transition
from rules.rule import RuleFaults, RuleIssue, read_rule

COUNT = {"type": "threshold", "metric": "count", "operator": ">", "value": 5}


def document(condition: object = COUNT, **more: object) -> dict[str, Any]:
    return {"name": "a rule", "severity": "info", "window_seconds": 60, "condition": condition, **more}


def issues_of(document: object) -> list[RuleIssue]:
    with pytest.raises(RuleFaults) as refused:
        read_rule(document)
    return list(refused.value.issues)


def places_of(document: object) -> list[str]:
    return sorted(issue.place for issue in issues_of(document))


def test_the_original_condition_is_read_and_defaults_are_filled_in() -> None:
    condition = {**COUNT, "filters": {"event_type": "login", "source": "web"}}
    rule = read_rule(document(condition))
    assert isinstance(rule.condition, Threshold)
    assert rule.condition.filters.event_type == ("login",)
    assert rule.condition.min_count == 0
    assert (rule.enabled, rule.cooldown_seconds, rule.mode, rule.max_groups) == (True, 0, "live", 100_000)
    assert rule.document == document(condition)


def test_a_rule_without_an_id_has_the_same_id_in_every_installation() -> None:
    assert read_rule(document()).rule_id == read_rule(document(severity="critical")).rule_id
    given = "0f8f6c9e-8d1b-4b43-a2a7-1d3c2f0a9d11"
    assert read_rule(document(rule_id=given)).rule_id == UUID(given)


def test_every_fault_is_named_at_once() -> None:
    wrong = {
        "nam": "x",
        "severity": "hgih",
        "window_seconds": "0s",
        "group_by": ["payload"],
        "condition": {"type": "threshold", "metric": "sum", "operator": "=>", "filters": {"where": "payload.a ="}},
    }
    assert places_of(wrong) == [
        "condition.field",
        "condition.filters.where, column 11",
        "condition.operator",
        "condition.value",
        "group_by.0",
        "nam",
        "name",
        "severity",
        "window_seconds",
    ]


@pytest.mark.parametrize(
    ("wrong", "place", "code", "words"),
    [
        ({"cooldown": 5}, "cooldown", "unknown_key", 'Did you mean "cooldown_seconds"?'),
        ({"window_seconds": 0}, "window_seconds", "too_small", "1 to 2678400"),
        ({"window_seconds": True}, "window_seconds", "wrong_type", "got true"),
        ({"window_seconds": 60.0}, "window_seconds", "wrong_type", "got 60.0"),
        ({"window_seconds": 31 * 86_400 + 1}, "window_seconds", "too_large", "31 days"),
        ({"enabled": "yes"}, "enabled", "wrong_type", "true or false"),
        ({"name": ""}, "name", "too_small", "1 to 255"),
        ({"name": "x" * 256}, "name", "too_large", "1 to 255"),
        ({"labels": {"team": 7}}, "labels.team", "wrong_type", "in quotes"),
        ({"group_by": ["source"] * 2}, "group_by", "repeated", "twice"),
        ({"group_by": ["ip"]}, "group_by.0", "path", "Did you mean payload.ip?"),
        ({"rule_id": "seven"}, "rule_id", "wrong_type", "UUID"),
        ({"mode": "shaddow"}, "mode", "not_one_of", 'Did you mean "shadow"?'),
        ({"condition": {"type": "treshold"}}, "condition.type", "not_one_of", 'Did you mean "threshold"?'),
        ({"condition": {}}, "condition.type", "missing", "match, threshold"),
        ({"condition": 7}, "condition", "wrong_type", "got 7"),
        ({"condition": {**COUNT, "value": "5"}}, "condition.value", "wrong_type", 'got "5"'),
        ({"condition": {**COUNT, "value": float("nan")}}, "condition.value", "wrong_type", "a number"),
        ({"condition": {**COUNT, "field": "payload.a"}}, "condition.field", "not_needed", "count has no field"),
        ({"condition": {**COUNT, "metric": "avg"}}, "condition.field", "missing", "payload.amount"),
        ({"condition": {**COUNT, "metric": "sum", "field": "source"}}, "condition.field", "wrong_type", "distinct"),
        ({"condition": {**COUNT, "metric": "ratio"}}, "condition.numerator", "missing", "filters"),
        ({"condition": {**COUNT, "filters": {"wher": "x"}}}, "condition.filters.wher", "unknown_key", '"where"'),
        (
            {"condition": {"type": "composite", "expression": "a and"}},
            "condition.expression, column 6",
            "expression",
            "end",
        ),
        (
            {"condition": {"type": "sequence", "steps": [{"name": "a", "absent": True}, {"name": "a"}]}},
            "condition.steps.0.absent",
            "not_last",
            "last",
        ),
        (
            {"condition": {"type": "absence", "groups": [{"source": "a"}]}},
            "condition.groups.0",
            "wrong_keys",
            "no group_by",
        ),
        (
            {"condition": {"type": "deviation", "method": "seasonal", "bucket_seconds": 7}},
            "condition.bucket_seconds",
            "wrong_size",
            "3600",
        ),
    ],
)
def test_a_fault_says_where_what_was_found_and_what_would_do(
    wrong: dict[str, object], place: str, code: str, words: str
) -> None:
    issue = next(issue for issue in issues_of({**document(), **wrong}) if issue.place == place)
    assert issue.code == code
    assert words in issue.message


@pytest.mark.parametrize("nonsense", [None, [], 7, "rule", {}, {"condition": None}, {"condition": {"type": []}}])
def test_nonsense_is_refused_and_nothing_breaks(nonsense: object) -> None:
    assert issues_of(nonsense)


def test_a_document_nested_beyond_reason_is_refused() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = {"payload": deep}
    tests = [{"name": "t", "events": [{"event_type": "a", "payload": deep}], "expect": []}]
    try:
        read_rule(document(tests=tests))
    except RuleFaults as fault:
        assert fault.issues


def test_what_the_api_adds_to_a_rule_may_be_sent_back() -> None:
    shown = document(version=3, created_at="2026-01-05T00:00:00Z", updated_at="2026-01-05T00:00:00Z")
    assert read_rule(shown).name == "a rule"


def test_defaults_depend_on_the_rest_of_the_rule() -> None:
    change = read_rule(
        document({"type": "change", "metric": "p95", "field": "payload.ms", "operator": ">", "value": 2})
    )
    assert isinstance(change.condition, Change)
    assert (change.condition.offset_seconds, change.condition.min_count, change.condition.compare) == (60, 1, "ratio")
    deviation = document({"type": "deviation", "bucket_seconds": 10, "method": "seasonal"})
    del deviation["window_seconds"]
    rule = read_rule(deviation)
    assert isinstance(rule.condition, Deviation)
    assert (rule.window_seconds, rule.condition.baseline_buckets, rule.condition.min_spread) == (10, 4, 1.0)


def test_a_match_needs_no_window() -> None:
    without = document({"type": "match"})
    del without["window_seconds"]
    assert read_rule(without).window_seconds == 60
    without["condition"] = COUNT
    assert places_of(without) == ["window_seconds"]


def test_values_of_a_transition_become_tokens() -> None:
    rule = read_rule(document({"type": "transition", "field": "payload.state", "from": "up", "to": ["down", 3, True]}))
    assert isinstance(rule.condition, Transition)
    assert rule.condition.from_tokens == ('"up"',)
    assert rule.condition.to_tokens == ('"down"', "3", "true")


def test_listed_groups_are_known_in_the_order_of_group_by() -> None:
    condition = {"type": "absence", "groups": [{"payload.b": 1.0, "source": "é"}]}
    rule = read_rule(document(condition, group_by=["source", "payload.b"]))
    assert isinstance(rule.condition, Absence)
    assert rule.known_groups == ('{"source":"é","payload.b":1}',)


def test_names_in_a_composite_may_stand_in_quotes() -> None:
    rule = read_rule(document({"type": "composite", "expression": 'a-b and not ("c d" or a-b)'}))
    assert isinstance(rule.condition, Composite)
    assert rule.condition.names == ("a-b", "c d")


def test_paths_are_all_places_that_judging_reads() -> None:
    condition = {
        **COUNT,
        "metric": "ratio",
        "filters": {"where": "payload.a = 1 and source = 'x'"},
        "numerator": {"where": 'metadata."b c" is null'},
    }
    rule = read_rule(document(condition, group_by=["payload.g", "event_type"]))
    assert rule.paths == {"payload.a", 'metadata."b c"', "payload.g"}


@pytest.mark.parametrize(
    "change",
    [
        {"name": "another"},
        {"labels": {"a": "b"}},
        {"summary": "hm"},
        {"mode": "shadow"},
        {"enabled": False},
        {"severity": "critical"},
        {"cooldown_seconds": 0},
        {"condition": {**COUNT, "operator": ">", "min_count": 0, "filters": {}}},
    ],
)
def test_what_cannot_change_the_anomalies_leaves_the_semantic_hash(change: dict[str, object]) -> None:
    assert read_rule({**document(), **change}).semantic_hash == read_rule(document()).semantic_hash


@pytest.mark.parametrize(
    "change",
    [
        {"window_seconds": 61},
        {"cooldown_seconds": 1},
        {"for_seconds": 1},
        {"keep_firing_seconds": 1},
        {"group_by": ["source"]},
        {"max_groups": 5},
        {"condition": {**COUNT, "value": 6}},
        {"condition": {**COUNT, "operator": ">="}},
        {"condition": {**COUNT, "min_count": 1}},
        {"condition": {**COUNT, "filters": {"event_type": "a"}}},
    ],
)
def test_what_can_change_the_anomalies_changes_the_semantic_hash(change: dict[str, object]) -> None:
    assert read_rule({**document(), **change}).semantic_hash != read_rule(document()).semantic_hash


def test_the_semantic_hash_is_the_same_in_every_release() -> None:
    """Ids of stored anomalies are made from it; if this fails, every rule's anomalies get new ids."""
    assert read_rule(document()).semantic_hash == "f883a2ec826022a3ccae8313a8361e7f"
