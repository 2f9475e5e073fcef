"""Absences agree with the reference, whole, up to a watermark, and from any instant on."""

from hypothesis import given, strategies as st

from rules.rule import read_rule
from tests.reference.agreement import (
    assert_agrees,
    assert_tail_agrees,
    documents,
    events,
    filters,
    instants,
    since_of_groups,
)

absences = st.fixed_dictionaries(
    {"type": st.just("absence"), "filters": filters}, optional={"remember_seconds": st.sampled_from([1, 3, 5, 9])}
)


@st.composite
def rules(draw):
    """Absence rules, some of which list groups that are known without having been seen."""
    document = draw(documents(absences))
    values = {"payload.ip": ["p", "q", "never"], "source": ["web", "nowhere"]}
    listed = draw(st.integers(0, 2))
    groups = [{path: draw(st.sampled_from(values[path])) for path in document["group_by"]} for _ in range(listed)]
    return read_rule({**document, "condition": {**document["condition"], "groups": groups}})


@given(rules(), events())
def test_absences_trigger_where_the_reference_says(rule, events):
    assert_agrees(rule, events)


@given(rules(), events(), instants)
def test_absences_are_judged_as_far_as_the_watermark(rule, events, until):
    assert_agrees(rule, events, until)


@given(rules(), since_of_groups())
def test_absences_come_out_the_same_from_any_instant_on(rule, situation):
    assert_tail_agrees(rule, *situation(rule))
