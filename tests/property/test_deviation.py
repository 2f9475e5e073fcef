"""Deviations agree with the reference, whole, up to a watermark, and from any instant on."""

import pytest
from hypothesis import given, strategies as st

from tests.reference.agreement import (
    START,
    assert_agrees,
    assert_tail_agrees,
    events,
    filters,
    instants,
    numbers,
    rules,
    since_of_groups,
)

HALF_A_DAY = 43_200_000_000
#: Instants over some days, for seasons: the starts of halves of days, and a little after.
days = st.builds(
    lambda half, more: START + half * HALF_A_DAY + more, st.integers(0, 13), st.sampled_from([0, 0, 1, -1])
)


def deviations(metrics, **more):
    return st.fixed_dictionaries(
        {
            "type": st.just("deviation"),
            "filters": filters,
            "metric": st.sampled_from(metrics),
            "operator": st.sampled_from([">", ">="]),
            "value": st.sampled_from([0.5, 1.0, 2.0]),
            "direction": st.sampled_from(["up", "down", "both"]),
            "min_spread": st.sampled_from([0.5, 1.0]),
            **more,
        }
    )


def kinds(**method):
    return st.one_of(
        deviations(["count", "rate"], **method),
        deviations(["sum", "avg", "min", "max", "stddev", "distinct", "p50"], field=st.just("payload.v"), **method),
        deviations(["ratio"], numerator=filters, **method),
    )


steady = kinds(
    method=st.sampled_from(["zscore", "mad", "ewma"]),
    bucket_seconds=st.sampled_from([1, 2]),
    baseline_buckets=st.integers(2, 4),
)
seasonal = kinds(
    method=st.just("seasonal"),
    bucket_seconds=st.just(43_200),
    baseline_buckets=st.integers(2, 4),
    season=st.sampled_from(["day", "day", "week"]),
)
some_numbers = st.one_of(numbers, st.none())
of_each_method = pytest.mark.parametrize(
    ("conditions", "times"), [(steady, instants), (seasonal, days)], ids=["steady", "seasonal"]
)


@of_each_method
@given(st.data())
def test_deviations_trigger_where_the_reference_says(conditions, times, data):
    assert_agrees(data.draw(rules(conditions)), data.draw(events(some_numbers, times=times)))


@of_each_method
@given(st.data())
def test_deviations_are_judged_as_far_as_the_watermark(conditions, times, data):
    assert_agrees(data.draw(rules(conditions)), data.draw(events(some_numbers, times=times)), data.draw(times))


@of_each_method
@given(st.data())
def test_deviations_come_out_the_same_from_any_instant_on(conditions, times, data):
    situation = data.draw(since_of_groups(events(some_numbers, times=times), times))
    rule = data.draw(rules(conditions))
    assert_tail_agrees(rule, *situation(rule))
