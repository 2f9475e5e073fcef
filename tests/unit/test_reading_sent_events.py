"""Which events are taken, and how each fault of the others is named."""

import json
from typing import Any

import msgspec
import pytest

from eventpulse.event import StreamedEvent
from eventpulse.intake.explain import faults_of_batch, faults_of_event
from eventpulse.intake.sent_events import UNREADABLE, TooMany, read_batch, read_event
from ingest_api.intake.batch_forms import split_array

DEEPEST = 8
EVENT = {"event_type": "a", "source": "b", "timestamp": "2026-01-01T00:00:00Z"}


def body(**changes: Any) -> bytes:
    return json.dumps({**EVENT, **changes}).encode()


def body_with(**raw: str) -> bytes:
    """An event with these fields as raw JSON text."""
    fields = {**{key: json.dumps(value) for key, value in EVENT.items()}, **raw}
    return ("{" + ",".join(f'"{key}":{text}' for key, text in fields.items()) + "}").encode()


def taken(sent: bytes) -> StreamedEvent:
    return msgspec.json.decode(read_event(sent, deepest=DEEPEST).lines, type=StreamedEvent)


def refused(sent: bytes) -> list[tuple[tuple[str | int, ...], str]]:
    with pytest.raises(UNREADABLE):
        read_event(sent, deepest=DEEPEST)
    return [(issue.path, issue.code) for issue in faults_of_event(sent, deepest=DEEPEST)]


@pytest.mark.parametrize(
    ("written", "microseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2026-01-31T10:00:00.123456+02:00", 1_769_846_400_123_456),
        ("2026-01-31T08:00:00-0030", 1_769_848_200_000_000),
        ("2026-01-31t08:00:00z", 1_769_846_400_000_000),
        ("2026-01-31 08:00:00Z", 1_769_846_400_000_000),
        ("2026-01-31T08:00:00.1234564Z", 1_769_846_400_123_456),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ],
)
def test_a_timestamp_is_kept_to_the_microsecond(written: str, microseconds: int) -> None:
    assert taken(body(timestamp=written)).timestamp == microseconds


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-31",
        "2026-01-31T08:00:00",
        "2026-02-30T00:00:00Z",
        "2026-01-31T24:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "now",
        "",
        "1769846400",
    ],
)
def test_what_is_no_instant_with_an_offset_is_refused(written: str) -> None:
    assert refused(body(timestamp=written)) == [(("timestamp",), "invalid_string")]


@pytest.mark.parametrize("field", ["event_type", "source", "timestamp", "event_id"])
@pytest.mark.parametrize("value", [None, 1, True, [], {}, 1.5, 1769846400])
def test_a_field_that_is_no_string_is_refused(field: str, value: object) -> None:
    assert refused(body(**{field: value})) == [((field,), "invalid_type")]


@pytest.mark.parametrize("field", ["event_type", "source", "timestamp"])
def test_a_field_that_is_missing_is_required(field: str) -> None:
    sent = json.dumps({key: value for key, value in EVENT.items() if key != field}).encode()

    assert refused(sent) == [((field,), "invalid_type")]
    assert faults_of_event(sent, deepest=DEEPEST)[0].message == "Required"


@pytest.mark.parametrize("length", [1, 255])
@pytest.mark.parametrize("letter", ["a", "é", "😀"])
def test_names_have_up_to_255_characters_of_any_width(length: int, letter: str) -> None:
    assert taken(body(event_type=letter * length)).event_type == letter * length


@pytest.mark.parametrize(("name", "code"), [("", "too_small"), ("a" * 256, "too_big"), ("a\0b", "nul_character")])
@pytest.mark.parametrize("field", ["event_type", "source"])
def test_other_names_are_refused(field: str, name: str, code: str) -> None:
    assert refused(body(**{field: name})) == [((field,), code)]


@pytest.mark.parametrize(
    "event_id",
    [
        "",
        "x",
        "0b1a6f3e7c1d4b398b6a2f6a1c9b7d10",
        "{0b1a6f3e-7c1d-4b39-8b6a-2f6a1c9b7d10}",
        "0b1a6f3e-7c1d-4b39-8b6a-2f6a1c9b7d10\n",
        "٠b1a6f3e-7c1d-4b39-8b6a-2f6a1c9b7d10",
        "gb1a6f3e-7c1d-4b39-8b6a-2f6a1c9b7d10",
    ],
)
def test_an_id_that_is_no_uuid_is_refused(event_id: str) -> None:
    assert refused(body(event_id=event_id)) == [(("event_id",), "invalid_string")]


def test_unknown_keys_are_ignored_whatever_they_hold() -> None:
    assert taken(body_with(extra=r'{"a":"\u0000","b":1e999}')).event_type == "a"


@pytest.mark.parametrize("field", ["payload", "metadata"])
@pytest.mark.parametrize(
    "text",
    [
        '{"big":123456789012345678901234567890,"exact":0.1000,"tiny":1e-300,"n":-0}',
        r'{"text":"a\\u0000b","emoji":"\ud83d\ude00","é":"é","quote":"\""}',
        '{ "a" : [ 1 , 2 ] }',
        '{"a":1,"a":2}',
        '{"in a text": "1e999 [[[[[[[[[[[[ {{{{{{{{{{"}',
        '{"a":[[[[[[[1]]]]]]]}',
        '{"uuid":"0b1a6f30-0e-0000-4b39-8b6a-2f6a1c9b7d10","hex":"4e12345"}',
        '{"digits":' + "9" * 308 + "}",
    ],
)
def test_an_object_is_kept_to_the_letter(field: str, text: str) -> None:
    assert getattr(taken(body_with(**{field: text})), field) == text


@pytest.mark.parametrize("field", ["payload", "metadata"])
@pytest.mark.parametrize(
    ("text", "inside", "code"),
    [
        ("null", (), "invalid_type"),
        ("[]", (), "invalid_type"),
        ('"{}"', (), "invalid_type"),
        ("1", (), "invalid_type"),
        ("true", (), "invalid_type"),
        (r'{"a":"\u0000"}', ("a",), "nul_character"),
        (r'{"a":{"b":[1,{"c":"x\u0000"}]}}', ("a", "b", 1, "c"), "nul_character"),
        (r'{"a":{"b\u0000":1}}', ("a",), "nul_character"),
        ('{"a":1e999}', (), "number_out_of_range"),
        ('{"a":-1e400}', (), "number_out_of_range"),
        ('{"a":[1e-200000]}', (), "number_out_of_range"),
        ('{"a":' + "9" * 310 + "}", (), "number_out_of_range"),
        ('{"a":' + "9" * 5000 + "}", (), "number_out_of_range"),
        ('{"a":0.' + "1" * 2000 + "}", (), "number_out_of_range"),
        ('{"a":[[[[[[[[1]]]]]]]]}', ("a", 0, 0, 0, 0, 0, 0, 0), "too_deep"),
        ('{"a":' + "[" * 900 + "]" * 900 + "}", ("a", 0, 0, 0, 0, 0, 0, 0), "too_deep"),
    ],
)
def test_an_object_that_cannot_be_stored_is_refused(
    field: str, text: str, inside: tuple[str | int, ...], code: str
) -> None:
    assert refused(body_with(**{field: text})) == [((field, *inside), code)]


@pytest.mark.parametrize(
    "text",
    ['{"a":NaN}', '{"a":Infinity}', r'{"a":"\ud800"}', r'{"a":"\udc00\ud800"}', r'{"\ud800":1}', '{"a":01}', "{a:1}"],
)
def test_what_only_looks_like_json_is_refused(text: str) -> None:
    assert refused(body_with(payload=text)) == [((), "invalid_json")]


@pytest.mark.parametrize("raw", [b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80"])
@pytest.mark.parametrize("field", ["payload", "unknown"])
def test_bytes_that_are_no_utf8_are_refused_wherever_they_stand(field: str, raw: bytes) -> None:
    sent = body_with(**{field: '{"a":"@"}'}).replace(b"@", raw)

    assert refused(sent) == [((), "invalid_json")]


def test_brackets_without_end_are_refused_wherever_they_stand() -> None:
    for field in ("payload", "unknown"):
        assert refused(body_with(**{field: "[" * 200_000})) == [((), "too_deep")]


def test_every_fault_of_an_event_is_named() -> None:
    sent = body_with(event_type="1", source='""', payload="[]", metadata=r'{"a":"\u0000"}')

    assert sorted(refused(sent)) == [
        (("event_type",), "invalid_type"),
        (("metadata", "a"), "nul_character"),
        (("payload",), "invalid_type"),
        (("source",), "too_small"),
    ]


def test_a_batch_over_the_limit_is_too_many_even_where_it_has_faults() -> None:
    for sent in (b"[" + b",".join([body()] * 3) + b"]", b"[1,2,3]"):
        with pytest.raises(TooMany) as many:
            faults_of_batch(sent, split=split_array, most=2, deepest=DEEPEST)
        assert many.value.args == (3,)


def test_ids_of_ours_are_all_different_and_begin_with_the_time() -> None:
    ids = read_batch(b"[" + b",".join([body()] * 1000) + b"]", most=1000, deepest=DEEPEST).event_ids

    assert len(set(ids)) == 1000
    assert len({event_id[:9] for event_id in ids}) == 1
