"""History judged slice by slice gives what one evaluation over all of it gives, wherever it starts and is cut."""

import json
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from rules.evaluation import evaluate_whole
from rules.kinds import KINDS
from rules.micro_batches.memory import remembered
from rules.rule import Rule
from rules.trials.replay import Replay, warm_up_from
from tests.reference.agreement import EPOCH, Event, events, filters, frame, instants, rules

spans = st.sampled_from([1, 2, 3, 5, 8])
limits = {"operator": st.sampled_from([">", ">=", "<", "<=", "==", "!="]), "value": st.sampled_from([0.0, 1.0, 2.0])}
metrics = {"metric": st.sampled_from(["sum", "avg", "max", "distinct", "p50"]), "field": st.just("payload.v")}
conditions = {
    "match": {},
    "threshold": {"metric": st.just("count"), **limits},
    "change": {**metrics, **limits, "offset_seconds": spans},
    "absence": {"remember_seconds": spans},
    "new_value": {"field": st.just("payload.v"), "lookback_seconds": spans, "learn_seconds": spans},
    "transition": {"field": st.just("payload.v")},
    "deviation": {"bucket_seconds": st.sampled_from([1, 2]), "baseline_buckets": st.sampled_from([2, 3])},
}


def of_kind(kind: str) -> st.SearchStrategy[Rule]:
    parts = {"type": st.just(kind), "filters": filters, **conditions[kind]}
    return rules(st.fixed_dictionaries(parts))


END = EPOCH + timedelta(days=30_000)
fewer = settings(max_examples=settings.default.max_examples // 5)


@pytest.mark.parametrize("kind", [kind for kind in conditions if kind in KINDS])
@fewer
@given(st.data())
def test_slices_give_what_one_evaluation_gives(kind: str, data: st.DataObject) -> None:
    rule, listed = data.draw(of_kind(kind)), data.draw(events())
    start = data.draw(st.one_of(st.none(), instants))
    cuts = data.draw(st.lists(instants, max_size=4))
    whole = evaluate_whole(rule, frame(listed), END - timedelta(microseconds=1))

    found = replayed(rule, listed, start, cuts, whole)

    expected = whole if start is None else whole.filter(pl.col("occurred_at") >= EPOCH + timedelta(microseconds=start))
    assert plain(found) == plain(expected)


def replayed(rule: Rule, listed: list[Event], start: int | None, cuts: list[int], whole: pl.DataFrame) -> pl.DataFrame:
    """The rule's anomalies from `start` on, with as little knowledge of what was before as a replay asks for."""
    stored = frame(listed).sort("timestamp", "position", "event_id")
    begin = EPOCH if start is None else EPOCH + timedelta(microseconds=start)
    replay = Replay([rule], begin)
    after = warm_up_from([rule], begin) or EPOCH
    before = stored.filter((pl.col("timestamp") > after) & (pl.col("timestamp") < begin))
    replay.look_back(before, begin - timedelta(microseconds=1))
    replay.stood({rule.rule_id: remembered(whole.filter(pl.col("occurred_at") < begin))})
    found = []
    for first, last in slices_between(begin, cuts):
        inside = stored.filter((pl.col("timestamp") >= first) & (pl.col("timestamp") < last))
        found.append(replay.judge(inside, last))
    assert not replay.faults
    return pl.concat(found)


def slices_between(begin, cuts):
    instants = sorted({EPOCH + timedelta(microseconds=cut) for cut in cuts})
    instants = [cut for cut in instants if cut > begin]
    return zip([begin, *instants], [*instants, END], strict=True)


def plain(anomalies: pl.DataFrame) -> list[str]:
    return sorted(json.dumps(row, default=str) for row in anomalies.to_dicts())
