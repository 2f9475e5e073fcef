"""Holds the evaluation against the reference: the same events and rule, the same anomalies, to the last bit."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

from eventpulse.event import EVENT_SCHEMA
from rules.evaluation import carry, evaluate_whole, judge, look_back, moves_without_events, paths_of, select_rows
from rules.fields import with_fields
from rules.rule import Rule, read_rule
from rules.window import earlier
from tests.reference import evaluate as reference
from tests.reference.evaluate import EPOCH, Anomaly, Event, microseconds

#: Event times in the tests begin here, far enough from the beginning of time.
START = 1_767_225_600_000_000
SINCE = {"group_key": pl.UInt64, "since": pl.Datetime("us", "UTC")}
FIRED = {"group_key": pl.UInt64, "fired_at": pl.Datetime("us", "UTC")}

# An example costs what its choices cost, so each of these is one choice.
# Whole seconds, so that windows end where other events stand; and now and then a microsecond beside.
instants = st.sampled_from(
    [START + second * 1_000_000 + beside for beside in [0, 0, 0, 0, 0, 0, 0, 0, -1, 1, 500_000] for second in range(15)]
)
_whole, _broken = [*range(7), *range(-3, 0)], [0.1, 0.2, 0.3, 0.7, -0.1, 1e16, -1e16, 1.5, 3.0, 1e-9]
_others: list[Any] = [None, "a", "b", "1", True, False, {"x": 1}]
numbers = st.sampled_from([*_whole, *_broken])
values = st.sampled_from([*_whole, *_broken, *_others, *_others])
_ABSENT = object()
#: Type, source, position and address of an event; the address of every other one is absent.
_PLACES = [
    (kind, source, position, {} if ip is _ABSENT else {"ip": ip})
    for ip in [_ABSENT, "p", _ABSENT, "q", _ABSENT, "p", _ABSENT, 'r"\\\\', _ABSENT, None]
    for position in range(9)
    for source in ["web", "db"]
    for kind in ["login", "login", "logout", "error"]
]


def events(
    field: st.SearchStrategy[Any] = values, most: int = 30, times: st.SearchStrategy[int] = instants
) -> st.SearchStrategy[list[Event]]:
    """Lists of events with equal timestamps and equal positions among them, missing fields, and several groups."""
    parts = st.tuples(st.sampled_from(_PLACES), times, st.one_of(st.just(_ABSENT), field))

    def number(listed: list[tuple[Any, ...]]) -> list[Event]:
        found = []
        for place, ((kind, source, position, payload), at, value) in enumerate(listed):
            more = {} if value is _ABSENT else {"v": value}
            found.append(
                Event(f"00000000-0000-4000-8000-{place:012d}", kind, source, at, position, {**payload, **more})
            )
        return found

    several = st.lists(parts, min_size=most // 3, max_size=most)
    return st.one_of(several, several, st.lists(parts, max_size=4)).map(number)


@st.composite
def since_of_groups(
    draw: st.DrawFn,
    listed: st.SearchStrategy[list[Event]] | None = None,
    times: st.SearchStrategy[int] = instants,
) -> Callable[[Rule], tuple[list[Event], dict[str, int], int | None]]:
    """Events, and for some of the groups that a rule makes of them the instant from which they are judged."""
    found = draw(events() if listed is None else listed)
    several = draw(st.lists(st.one_of(times, st.none()), min_size=12, max_size=12))
    carried = draw(st.booleans())

    def situation(rule: Rule) -> tuple[list[Event], dict[str, int], int | None]:
        groups = sorted({reference.group_of(rule, event) for event in found})
        since = {group: at for group, at in zip(groups, several, strict=False) if at is not None}
        return found, since, min(since.values(), default=None) if carried else None

    return situation


filters = st.fixed_dictionaries(
    {},
    optional={
        "event_type": st.sampled_from(["login", ["login", "error"], ["login", "logout", "error"]]),
        "source": st.sampled_from(["web", ["web", "db"]]),
    },
)

_spans = st.sampled_from([0, 0, 0, 0, 0, 1, 2, 4])


def documents(conditions: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Rules with these conditions: windows, cooldowns, for and keep firing, grouped in several ways."""
    return st.fixed_dictionaries(
        {
            "name": st.just("a rule"),
            "severity": st.just("info"),
            "window_seconds": st.sampled_from([1, 2, 3, 5]),
            "cooldown_seconds": st.sampled_from([0, 0, 0, 1, 3]),
            "for_seconds": _spans,
            "keep_firing_seconds": _spans,
            "group_by": st.sampled_from([[], [], [], ["payload.ip"], ["source"], ["payload.ip", "source"]]),
            "condition": conditions,
        }
    )


def rules(conditions: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[Rule]:
    """Rules with these conditions, as they are read."""
    return documents(conditions).map(read_rule)


def frame(events: list[Event]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "event_id": [event.event_id for event in events],
            "event_type": [event.event_type for event in events],
            "source": [event.source for event in events],
            "timestamp": [event.at for event in events],
            "received_at": [event.at for event in events],
            "position": [event.position for event in events],
            "payload": [json.dumps(event.payload) for event in events],
            "metadata": ["{}" for _ in events],
        },
        schema={**EVENT_SCHEMA, "timestamp": pl.Int64, "received_at": pl.Int64},
    ).cast(dict(EVENT_SCHEMA))


def plain(anomalies: pl.DataFrame) -> list[Anomaly]:
    """An ANOMALY frame as the reference's anomalies, in its order."""
    found = [
        Anomaly(
            at=microseconds(row["occurred_at"]),
            group=row["group"],
            event_id=row["event_id"],
            value=row["value"],
            threshold=row["threshold"],
            start=microseconds(row["window_start"]),
            end=microseconds(row["window_end"]),
            contributing=tuple(row["contributing"]),
            contributing_count=row["contributing_count"],
        )
        for row in anomalies.to_dicts()
    ]
    return sorted(found, key=lambda one: (one.at, one.group, one.event_id or ""))


def assert_agrees(rule: Rule, events: list[Event], until: int | None = None) -> None:
    """One evaluation of everything gives what the reference gives."""
    horizon = None if until is None else EPOCH + timedelta(microseconds=until)
    expected = reference.evaluate(rule, events, until if moves_without_events(rule) else None)
    assert plain(evaluate_whole(rule, frame(events), horizon)) == expected


def assert_tail_agrees(rule: Rule, events: list[Event], since_of: dict[str, int], at: int | None) -> None:
    """Judging groups from any instant on, with no older rows than needed, gives the end of one whole evaluation.

    `since_of` maps groups to instants; rows are cut by `look_back`, and by `carry` at `at` where that is given.
    """
    whole = evaluate_whole(rule, frame(events))
    fields = with_fields(frame(events), paths_of([rule]))
    rows = select_rows(rule, fields)
    keys = dict(zip(rows["group"], rows["group_key"], strict=True))
    asked = {group: since for group, since in since_of.items() if group in keys}
    if at is not None:
        rows = carry(rule, rows, EPOCH + timedelta(microseconds=at))
    if asked:
        oldest = earlier(EPOCH + timedelta(microseconds=min(asked.values())), look_back(rule))
        rows = rows.filter(pl.col("timestamp") > oldest)
    expected = [one for one in plain(whole) if one.group in asked and one.at >= asked[one.group]]
    fired = {
        group: max(before)
        for group, since in asked.items()
        if (before := [one.at for one in plain(whole) if one.group == group and one.at < since])
    }
    found = judge(
        rule,
        rows,
        since=_by_group(keys, asked, "since"),
        fired=_by_group(keys, fired, "fired_at"),
        until=None,
    )
    assert plain(found) == expected
    assert set(found["anomaly_id"]) <= set(whole["anomaly_id"])


def _by_group(keys: dict[str, int], instants: dict[str, int], name: str) -> pl.DataFrame:
    columns = {"group_key": [keys[group] for group in instants], name: list(instants.values())}
    schema = {"group_key": pl.UInt64, name: pl.Int64}
    return pl.DataFrame(columns, schema=schema).cast({name: pl.Datetime("us", "UTC")})
