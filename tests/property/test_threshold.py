"""Thresholds agree with the reference, whole, up to a watermark, and from any instant on."""

import pytest
from hypothesis import given, settings, strategies as st

from tests.reference.agreement import (
    assert_agrees,
    assert_tail_agrees,
    events,
    filters,
    instants,
    rules,
    since_of_groups,
)

fewer = settings(max_examples=settings.default.max_examples // 3)
LIMITS = [0.0, 1.0, 2.0, 3.0, 1.5, 0.4, 0.5, -1.0, 0.1 + 0.2, 1e16]


def thresholds(metrics, **more):
    return st.fixed_dictionaries(
        {
            "type": st.just("threshold"),
            "metric": st.sampled_from(metrics),
            "filters": filters,
            "operator": st.sampled_from([">", ">=", "<", "<=", "==", "!="]),
            "value": st.sampled_from(LIMITS),
            **more,
        },
        optional={"min_count": st.integers(0, 4)},
    )


of_a_field = {"field": st.just("payload.v")}
families = {
    "counts": thresholds(["count", "rate"]),
    "sums": thresholds(["sum", "avg"], **of_a_field),
    "ranks": thresholds(["min", "max", "p50", "p90", "p95", "p99"], **of_a_field),
    "spreads": thresholds(["stddev"], **of_a_field),
    "distinct values": thresholds(["distinct"], **of_a_field),
    "shares": thresholds(["ratio"], numerator=filters),
}
of_each_family = pytest.mark.parametrize("conditions", families.values(), ids=families.keys())


@of_each_family
@fewer
@given(st.data())
def test_thresholds_trigger_where_the_reference_says(conditions, data):
    assert_agrees(data.draw(rules(conditions)), data.draw(events()))


@of_each_family
@fewer
@given(st.data())
def test_thresholds_that_move_without_events_are_judged_as_far_as_the_watermark(conditions, data):
    assert_agrees(data.draw(rules(conditions)), data.draw(events()), data.draw(instants))


@of_each_family
@fewer
@given(st.data())
def test_thresholds_come_out_the_same_from_any_instant_on(conditions, data):
    rule, situation = data.draw(rules(conditions)), data.draw(since_of_groups())
    assert_tail_agrees(rule, *situation(rule))
