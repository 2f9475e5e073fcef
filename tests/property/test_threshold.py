"""Thresholds agree with the reference, whole and from any instant on."""

from hypothesis import given, strategies as st

from tests.reference.agreement import assert_agrees, assert_tail_agrees, events, filters, instants, rules
from tests.reference.evaluate import group_of

counted = st.fixed_dictionaries(
    {
        "type": st.just("threshold"),
        "metric": st.sampled_from(["count", "rate"]),
        "filters": filters,
        "operator": st.sampled_from([">", ">=", "<", "<=", "==", "!="]),
        "value": st.sampled_from([0.0, 1.0, 2.0, 3.0, 1.5, 0.4, -1.0]),
    },
    optional={"min_count": st.integers(0, 4)},
)


@given(rules(counted), events())
def test_counts_trigger_where_the_reference_says(rule, events):
    assert_agrees(rule, events)


@given(rules(counted), events(), instants)
def test_counts_are_judged_as_far_as_the_watermark(rule, events, until):
    assert_agrees(rule, events, until)


@given(st.data(), rules(counted), events())
def test_counts_come_out_the_same_from_any_instant_on(data, rule, events):
    groups = sorted({group_of(rule, event) for event in events})
    since = {group: data.draw(instants) for group in groups if data.draw(st.booleans())}
    at = data.draw(st.one_of(st.none(), st.just(min(since.values(), default=None))))
    assert_tail_agrees(rule, events, since, at)
