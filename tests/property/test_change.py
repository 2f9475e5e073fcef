"""Changes agree with the reference, whole, up to a watermark, and from any instant on."""

from hypothesis import given, strategies as st

from tests.reference.agreement import (
    assert_agrees,
    assert_tail_agrees,
    events,
    filters,
    instants,
    rules,
    since_of_groups,
)


def changes(metrics, **more):
    return st.fixed_dictionaries(
        {
            "type": st.just("change"),
            "metric": st.sampled_from(metrics),
            "filters": filters,
            "compare": st.sampled_from(["ratio", "difference", "percent"]),
            "operator": st.sampled_from([">", ">=", "<", "<=", "==", "!="]),
            "value": st.sampled_from([0.0, 1.0, 2.0, 0.5, -1.0, 50.0, -50.0, 100.0]),
            **more,
        },
        optional={"min_count": st.integers(0, 3), "offset_seconds": st.sampled_from([1, 2, 4, 7])},
    )


conditions = st.one_of(
    changes(["count", "rate"]),
    changes(["sum", "avg", "min", "max", "stddev", "distinct", "p50", "p90"], field=st.just("payload.v")),
    changes(["ratio"], numerator=filters),
)


@given(rules(conditions), events())
def test_changes_trigger_where_the_reference_says(rule, events):
    assert_agrees(rule, events)


@given(rules(conditions), events(), instants)
def test_changes_are_judged_as_far_as_the_watermark(rule, events, until):
    assert_agrees(rule, events, until)


@given(rules(conditions), since_of_groups())
def test_changes_come_out_the_same_from_any_instant_on(rule, situation):
    assert_tail_agrees(rule, *situation(rule))
