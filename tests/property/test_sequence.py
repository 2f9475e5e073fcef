"""Sequences agree with the reference, whole, up to a watermark, and from any instant on."""

from hypothesis import given, strategies as st

from tests.reference.agreement import assert_agrees, assert_tail_agrees, events, instants, rules, since_of_groups

step_filters = st.fixed_dictionaries(
    {"event_type": st.sampled_from(["login", "logout", "error", ["login", "error"]])},
    optional={"source": st.sampled_from(["web", "db"])},
)


@st.composite
def conditions(draw):
    """Two to four steps, the last of them now and then absent."""
    found = draw(st.lists(step_filters, min_size=2, max_size=4))
    steps = [{"name": f"step {number}", "filters": one} for number, one in enumerate(found)]
    steps[-1]["absent"] = draw(st.booleans())
    return {"type": "sequence", "steps": steps}


@given(rules(conditions()), events(most=18))
def test_sequences_trigger_where_the_reference_says(rule, events):
    assert_agrees(rule, events)


@given(rules(conditions()), events(most=18), instants)
def test_sequences_with_an_absent_step_are_judged_as_far_as_the_watermark(rule, events, until):
    assert_agrees(rule, events, until)


@given(rules(conditions()), since_of_groups(events(most=18)))
def test_sequences_come_out_the_same_from_any_instant_on(rule, situation):
    assert_tail_agrees(rule, *situation(rule))
