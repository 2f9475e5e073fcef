"""The course of a rule is what the reference says of every moment, and thinning it hides no peak."""

from datetime import timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from rules.evaluation import evaluate_whole, paths_of, select_rows
from rules.fields import with_fields
from rules.trials.series import series, thinned
from tests.property.test_change import conditions as changes
from tests.property.test_composite import composites
from tests.property.test_detection import rules_of
from tests.property.test_deviation import some_numbers, steady
from tests.property.test_threshold import families
from tests.reference import deviation as of_deviation
from tests.reference.agreement import EPOCH, START, events, frame, plain, rules
from tests.reference.evaluate import microseconds, seconds
from tests.reference.kinds import STATES

FIRST, LAST = EPOCH + timedelta(microseconds=START - 60_000_000), EPOCH + timedelta(microseconds=START + 120_000_000)


#: What is shown is made of what is judged, which other promises try on more examples.
fewer = settings(max_examples=settings.default.max_examples // 5)


def courses(rule, listed, start=FIRST, end=LAST, watermark=LAST):
    """The series of every group, by the group's text."""
    rows = select_rows(rule, with_fields(frame(listed), paths_of([rule])))
    return {
        rows_of["group"][0]: series(rule, rows_of, start, end, fired_at=None, watermark=watermark)
        for rows_of in rows.partition_by("group_key", maintain_order=True)
    }


def until_last(states):
    return [state for state in states if state.at <= microseconds(LAST)]


@pytest.mark.parametrize("conditions", [st.one_of(*families.values()), changes], ids=["threshold", "change"])
@fewer
@given(st.data())
def test_values_and_truth_are_those_of_every_moment(conditions, data):
    rule, listed = data.draw(rules(conditions)), data.draw(events())

    found = courses(rule, listed)

    expected = STATES[rule.condition.type](rule, listed)
    assert found.keys() == expected.keys()
    for group, (states, _) in expected.items():
        points = found[group].points
        assert list(points.select("at", "value", "true").iter_rows()) == [
            (state.at, state.value, state.true) for state in until_last(states)
        ]
        assert set(points["threshold"]) == {rule.condition.value}


@fewer
@given(rules(steady), events(some_numbers))
def test_bands_are_those_that_each_bucket_is_held_to(rule, listed):
    found = courses(rule, listed)

    condition, size = rule.condition, seconds(rule.condition.bucket_seconds)
    for group, (states, _) in STATES["deviation"](rule, listed).items():
        rows = sorted({state.event for state in states if state.event}, key=lambda event: event.order)
        points = {at: (value, low, high, true) for at, value, _, low, high, true in found[group].points.iter_rows()}
        for bucket in sorted({event.at // size for event in rows}):
            inside = [event for event in rows if event.at // size == bucket]
            true, value, bound = of_deviation.state(condition, rows, rows[0].at // size, bucket, inside, 1)
            shown, low, high, said = points[(bucket + 1) * size]
            assert (shown, said) == (value, true)
            assert value is None or bound in (low, high)
            assert condition.direction != "up" or low is None
            assert condition.direction != "down" or high is None


@fewer
@given(rules_of("absence"), events())
def test_silence_grows_from_each_event_to_the_next(rule, listed):
    found = courses(rule, listed)

    window, remember = seconds(rule.window_seconds), seconds(rule.condition.remember_seconds)
    for group, (states, _) in STATES["absence"](rule, listed).items():
        shown = found[group]
        assert shown.shape == "line"
        at_events = [state.at for state in states if state.event]
        for at, value, _, _, _, true in shown.points.iter_rows():
            before = [one for one in at_events if one <= at]
            last = before[-1]
            older = [one for one in before if one < at]
            assert value is None or value in {(at - one) / 1e6 for one in (last, *older[-1:])}
            assert value is None or value * 1e6 <= remember
            assert not true or (value * 1e6 >= window and window < remember)
        turns = {state.at for before, state in pairwise(states) if state.true and not before.true}
        assert turns <= {at for at, *_, true in shown.points.iter_rows() if true}


@pytest.mark.parametrize("name", ["match", "new_value", "transition", "sequence"])
@fewer
@given(st.data())
def test_events_are_those_at_which_the_condition_is_true(name, data):
    rule, listed = data.draw(rules_of(name)), data.draw(events())

    found = courses(rule, listed)

    for group, (states, _) in STATES[name](rule, listed).items():
        assert found[group].shape == "events"
        assert found[group].points["at"].to_list() == [state.at for state in until_last(states) if state.true]


@fewer
@given(composites(), events(most=15))
def test_the_truth_of_a_composite_is_that_of_its_expression(rule, listed):
    found = courses(rule, listed)

    for group, (states, _) in STATES["composite"](rule, listed).items():
        points = found[group].points
        at, true = points["at"].to_list(), points["true"].to_list()
        assert list(zip(at, true, strict=True)) == [(state.at, state.true) for state in until_last(states)]


@pytest.mark.parametrize("name", ["threshold", "deviation", "absence", "transition", "composite"])
@fewer
@given(st.data())
def test_its_anomalies_are_those_of_one_evaluation(name, data):
    rule, listed = data.draw(rules_of(name)), data.draw(events())

    found = [shown.anomalies for shown in courses(rule, listed).values()]

    whole = evaluate_whole(rule, frame(listed), LAST)
    assert sorted(map(repr, plain(pl.concat([whole.clear(), *found])))) == sorted(
        map(repr, plain(whole.filter((pl.col("occurred_at") >= FIRST) & (pl.col("occurred_at") < LAST))))
    )


points = st.lists(
    st.tuples(st.integers(0, 1000), st.none() | st.floats(-100, 100), st.booleans()), min_size=1, max_size=200
)


@given(points, st.integers(6, 60))
def test_thinning_keeps_the_peaks_the_ends_and_both_truths(listed, most):
    frame = pl.DataFrame(sorted(listed, key=lambda one: one[0]), schema=["at", "value", "true"], orient="row").cast(
        {"value": pl.Float64}
    )

    kept = thinned(frame, 0, 1000, most)

    assert kept.height <= max(most, 6)
    assert set(kept.iter_rows()) <= set(frame.iter_rows())
    assert kept["at"].is_sorted()
    assert (kept["value"].min(), kept["value"].max()) == (frame["value"].min(), frame["value"].max())
    assert (kept.row(0), kept.row(-1)) == (frame.row(0), frame.row(-1))
    assert set(kept["true"]) == set(frame["true"])
