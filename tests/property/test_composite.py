"""Composites agree with the reference, whole, up to a watermark, and from any instant on."""

from dataclasses import replace

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

matches = st.fixed_dictionaries({"type": st.just("match"), "filters": filters})
counts = st.fixed_dictionaries(
    {
        "type": st.just("threshold"),
        "metric": st.just("count"),
        "filters": filters,
        "operator": st.sampled_from([">", "<"]),
        "value": st.sampled_from([1.0, 2.0]),
    }
)
absences = st.fixed_dictionaries({"type": st.just("absence"), "filters": filters})
anything = st.one_of(counts, counts, matches, absences)
expressions = st.sampled_from(["a and b", "a or b", "a and not b", "not a", "not (a and b)", "a", "not a or b"])


@st.composite
def composites(draw, deeper=True):
    """Members with spans of their own, grouped as the composite is or more finely; now and then one is a composite."""
    document = draw(documents(expressions.map(lambda text: {"type": "composite", "expression": text})))
    rule = read_rule(document)
    members = []
    for name in rule.condition.names:
        if deeper and draw(st.integers(0, 4)) == 0:
            member = replace(draw(composites(deeper=False)), name=name)
            if not set(rule.group_by) <= set(member.group_by):
                member = read_rule({**draw(documents(anything)), "name": name, "group_by": list(rule.group_by)})
        else:
            finer = draw(st.sampled_from([[], ["source"]])) if "source" not in rule.group_by else []
            group_by = [*rule.group_by, *finer]
            member = read_rule({**draw(documents(anything)), "name": name, "group_by": group_by})
        members.append(member)
    return replace(rule, members=tuple(members))


@given(composites(), events(most=15))
def test_composites_trigger_where_the_reference_says(rule, events):
    assert_agrees(rule, events)


@given(composites(), events(most=15), instants)
def test_composites_are_judged_as_far_as_the_watermark(rule, events, until):
    assert_agrees(rule, events, until)


@given(composites(), since_of_groups(events(most=15)))
def test_composites_come_out_the_same_from_any_instant_on(rule, situation):
    assert_tail_agrees(rule, *situation(rule))
