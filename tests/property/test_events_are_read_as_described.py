"""The compiled reading of events and their description in the models and the OpenAPI document are the same thing."""

import json
import math
from typing import Any

import msgspec
from hypothesis import example, given, strategies as st

from eventpulse.event import StreamedEvent
from eventpulse.intake.explain import faults_of_event
from eventpulse.intake.sent_events import UNREADABLE, read_event
from eventpulse.intake.timestamps import microseconds, read_timestamp

DEEPEST = 6

any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=10),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=5), children, max_size=4),
    max_leaves=12,
)
names = st.text(min_size=1, max_size=260)
instants = st.datetimes(timezones=st.timezones(), allow_imaginary=False).map(lambda instant: instant.isoformat())
ids = st.uuids().map(str) | st.uuids().map(lambda event_id: str(event_id).upper())
sent_events = st.fixed_dictionaries(
    {},
    optional={
        "event_type": names | any_json,
        "source": names | any_json,
        "timestamp": instants | any_json,
        "event_id": ids | any_json,
        "payload": st.dictionaries(st.text(max_size=5), any_json, max_size=4) | any_json,
        "metadata": st.dictionaries(st.text(max_size=5), any_json, max_size=4) | any_json,
        "unknown": any_json,
    },
)
mostly_good_events = st.fixed_dictionaries(
    {
        "event_type": names,
        "source": names,
        "timestamp": instants,
        "payload": st.dictionaries(st.text(max_size=5), any_json, max_size=4),
    },
    optional={"event_id": ids, "metadata": st.dictionaries(st.text(max_size=5), any_json, max_size=4)},
)


def encoded(value: Any, ascii_only: bool) -> bytes:
    return json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")


def is_taken(body: bytes) -> bool:
    try:
        read_event(body, deepest=DEEPEST)
    except UNREADABLE:
        return False
    return True


@given(sent_events | mostly_good_events, st.booleans())
@example({"event_type": "a", "source": "\0", "timestamp": "2026-01-01T00:00:00Z"}, True)
@example({"event_type": "a", "source": "b", "timestamp": "0001-01-01T00:00:00+01:00"}, True)
def test_what_is_taken_has_no_fault_and_what_is_refused_has_one(event: dict[str, Any], ascii_only: bool) -> None:
    body = encoded(event, ascii_only)

    assert is_taken(body) == (faults_of_event(body, deepest=DEEPEST) == [])


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0aeE+-1. nul', max_size=60).map(str.encode))
def test_no_bytes_lead_to_anything_but_an_event_or_a_fault(body: bytes) -> None:
    assert is_taken(body) == (faults_of_event(body, deepest=DEEPEST) == [])


@given(mostly_good_events, st.booleans())
def test_what_is_taken_stands_in_the_stream_as_it_was_sent(event: dict[str, Any], ascii_only: bool) -> None:
    body = encoded(event, ascii_only)
    if not is_taken(body):
        return

    streamed = msgspec.json.decode(read_event(body, deepest=DEEPEST).lines, type=StreamedEvent)

    assert streamed.event_type == event["event_type"]
    assert streamed.source == event["source"]
    assert streamed.timestamp == microseconds(read_timestamp(event["timestamp"]))
    assert streamed.payload == json.dumps(event["payload"], ensure_ascii=ascii_only)
    if "event_id" in event:
        assert streamed.event_id == event["event_id"].lower()


@given(st.floats() | st.integers(-(10**320), 10**320))
def test_a_number_is_taken_where_a_double_can_hold_it(number: float | int) -> None:
    try:
        fits = math.isfinite(float(number))
    except OverflowError:
        fits = False
    event = {"event_type": "a", "source": "b", "timestamp": "2026-01-01T00:00:00Z", "payload": {"n": number}}

    assert is_taken(json.dumps(event).encode()) == fits
