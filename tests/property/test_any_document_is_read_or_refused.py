"""Whatever is sent as a rule, it is read, or refused with faults that have a place and a sentence."""

import json
from typing import Any

from hypothesis import given, settings, strategies as st

from rules.conditions import CONDITIONS
from rules.faults import RuleFaults
from rules.filters import Filters
from rules.rule import RuleDocument, read_rule
from rules.trials.trial import Expected, Trial, TrialEvents

PARTS = [RuleDocument, *CONDITIONS, Filters, Trial, TrialEvents, Expected]
KEYS = sorted({info.alias or name for part in PARTS for name, info in part.__pydantic_fields__.items()} | {"rule_id"})
TYPES = sorted(kind.type for kind in CONDITIONS)
WORDS = [
    "count",
    "ratio",
    "p95",
    ">",
    "==",
    "payload.a",
    "payload",
    "source",
    "info",
    "live",
    "seasonal",
    "a and not b",
    "(",
]
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from([*WORDS, *TYPES, "payload.a = 1", "{value}", "{", "payload.a ="])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
)
GOOD: dict[str, Any] = {
    "name": "a rule",
    "severity": "info",
    "window_seconds": 60,
    "group_by": ["payload.a"],
    "summary": "{value}",
    "tests": [{"name": "t", "events": [{"event_type": "a"}], "expect": [{"at_seconds": 1.5}]}],
}
CONDITIONS_GOOD: list[dict[str, Any]] = [
    {"type": "match", "filters": {"event_type": ["a", "b"], "where": "payload.a > 1"}},
    {"type": "threshold", "metric": "ratio", "numerator": {"source": "x"}, "operator": ">", "value": 0.5},
    {"type": "change", "metric": "avg", "field": "payload.a", "operator": "<", "value": -5, "compare": "percent"},
    {"type": "absence", "groups": [{"payload.a": 1}]},
    {"type": "deviation", "method": "mad", "direction": "down"},
    {"type": "new_value", "field": "source"},
    {"type": "transition", "field": "payload.a", "from": [1, "x"], "to": True},
    {"type": "sequence", "steps": [{"name": "a"}, {"name": "b", "absent": True}]},
    {"type": "composite", "expression": "a and not (b or 'c d')"},
]


def places(value: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, inner in items for place in places(inner, (*at, key)))]


def changed(value: Any, place: tuple[str | int, ...], new: Any) -> Any:
    if not place:
        return new
    copy = value.copy()
    copy[place[0]] = changed(value[place[0]], place[1:], new)
    return copy


def require_read_or_refused(document: Any) -> None:
    try:
        rule = read_rule(document)
    except RuleFaults as refused:
        assert refused.issues
        for issue in refused.issues:
            assert issue.message.strip().endswith((".", "?")), issue
            assert issue.code
        json.dumps([(issue.path, issue.message) for issue in refused.issues])
    else:
        assert rule.semantic_hash == read_rule(document).semantic_hash
        assert rule.paths is not None
        assert rule.known_groups is not None


@settings(max_examples=400, deadline=None)
@given(ANYTHING)
def test_anything_is_read_or_refused(document: Any) -> None:
    require_read_or_refused(document)


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_a_good_rule_with_one_thing_changed_is_read_or_refused(data: st.DataObject) -> None:
    good = {**GOOD, "condition": data.draw(st.sampled_from(CONDITIONS_GOOD))}
    assert read_rule(good)
    place = data.draw(st.sampled_from(places(good)))
    require_read_or_refused(changed(good, place, data.draw(ANYTHING)))
