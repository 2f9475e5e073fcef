"""Conditions that are true at single events agree with the reference, whole and from any instant on."""

import pytest
from hypothesis import given, strategies as st

from tests.reference.agreement import assert_agrees, assert_tail_agrees, events, filters, rules, since_of_groups

few_values = st.sampled_from(["up", "down", 1, 1.0, "1", None, 2.5])
some_values = st.lists(st.sampled_from(["up", "down", 1, "1", 2.5]), max_size=2, unique_by=str)
spans = st.sampled_from([1, 2, 3, 5, 8])

matches = st.fixed_dictionaries({"type": st.just("match"), "filters": filters})
transitions = st.fixed_dictionaries(
    {"type": st.just("transition"), "field": st.just("payload.v"), "filters": filters},
    optional={"from": some_values, "to": some_values},
)
new_values = st.fixed_dictionaries(
    {
        "type": st.just("new_value"),
        "field": st.just("payload.v"),
        "filters": filters,
        "lookback_seconds": spans,
        "learn_seconds": st.one_of(st.just(0), spans),
    }
)
of_each_kind = pytest.mark.parametrize(
    "conditions", [matches, transitions, new_values], ids=["match", "transition", "new_value"]
)


@of_each_kind
@given(st.data())
def test_points_trigger_where_the_reference_says(conditions, data):
    assert_agrees(data.draw(rules(conditions)), data.draw(events(few_values)))


@of_each_kind
@given(st.data())
def test_points_come_out_the_same_from_any_instant_on(conditions, data):
    rule, situation = data.draw(rules(conditions)), data.draw(since_of_groups(events(few_values)))
    assert_tail_agrees(rule, *situation(rule))
