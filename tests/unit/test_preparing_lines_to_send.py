"""A line that is sent keeps everything but its id and its timestamp."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from eventpulse.sending.lines import Line
from eventpulse.sending.prepare import Preparation, Refusal, newest_timestamp

PLAIN = Preparation("a-file")


def line(text: str | bytes, number: int = 1) -> Line:
    return Line(number, text.encode() if isinstance(text, str) else text)


def sent(text: str, preparation: Preparation = PLAIN, number: int = 1) -> dict[str, object]:
    prepared = preparation.apply(line(text, number))
    assert isinstance(prepared, bytes)
    return json.loads(prepared)


def test_an_event_with_an_id_is_sent_byte_for_byte() -> None:
    text = '{ "event_id":"x", "payload": {"big": 12345678901234567890.10, "e": 1E+2} }'
    assert PLAIN.apply(line(text)) == text.encode()


def test_numbers_inside_are_kept_when_an_id_is_added() -> None:
    prepared = PLAIN.apply(line('{"payload": {"big": 12345678901234567890.10, "e":  1E+2}}'))
    assert isinstance(prepared, bytes)
    assert b'{"big": 12345678901234567890.10, "e":  1E+2}' in prepared


def test_the_same_line_of_the_same_file_always_gets_the_same_id() -> None:
    assert sent('{"a":1}')["event_id"] == sent('{"a":1}')["event_id"]


@pytest.mark.parametrize(
    ("text", "preparation", "number"),
    [
        ('{"a":1}', PLAIN, 2),
        ('{"a":2}', PLAIN, 1),
        ('{"a":1}', Preparation("another-file"), 1),
        ('{"a":1}', Preparation("a-file", replace_ids="seed"), 1),
    ],
)
def test_another_line_number_text_file_or_sending_gives_another_id(
    text: str, preparation: Preparation, number: int
) -> None:
    assert sent(text, preparation, number)["event_id"] != sent('{"a":1}')["event_id"]


def test_new_ids_replace_those_of_the_file() -> None:
    assert sent('{"event_id":"x"}', Preparation("a-file", replace_ids="seed"))["event_id"] != "x"


@pytest.mark.parametrize(
    ("timestamp", "moved"),
    [
        ("2026-01-31T23:59:59.5Z", "2026-02-01T00:00:00.500001Z"),
        ("2026-01-31T23:59:59.500000+02:00", "2026-02-01T00:00:00.500001+02:00"),
        ("2026-01-31T23:59:59", "2026-02-01T00:00:00.000001"),
        ("yesterday", "yesterday"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        (17, 17),
    ],
)
def test_a_shift_moves_what_can_be_read_and_leaves_the_rest_to_the_server(timestamp: object, moved: object) -> None:
    preparation = Preparation("a-file", shift=timedelta(seconds=1, microseconds=1))
    assert sent(json.dumps({"event_id": "x", "timestamp": timestamp}), preparation)["timestamp"] == moved


def test_a_shift_keeps_the_distances_between_events() -> None:
    preparation = Preparation("a-file", shift=timedelta(days=400, microseconds=7))
    texts = ["2024-02-28T23:00:00.000001Z", "2024-03-01T01:00:00+01:00"]
    moved = [datetime.fromisoformat(str(sent(json.dumps({"timestamp": t}), preparation)["timestamp"])) for t in texts]
    assert moved[1] - moved[0] == datetime.fromisoformat(texts[1]) - datetime.fromisoformat(texts[0])


def test_the_newest_timestamp_counts_across_offsets_and_past_unreadable_lines() -> None:
    lines = [
        line('{"timestamp":"2026-01-01T00:00:00+02:00"}'),
        line('{"timestamp":"2025-12-31T23:00:00Z"}'),
        line('{"timestamp":"soon"}'),
        line("not json"),
        line("{}"),
    ]
    assert newest_timestamp(lines) == datetime(2025, 12, 31, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[1]", "not a JSON object"),
        ('{"a":', "not a JSON object"),
        ('{"a":NaN}', "not a JSON object"),
        (b'{"a":"\xff"}', "not UTF-8 at byte 7"),
    ],
)
def test_a_line_that_would_spoil_the_request_is_refused_before_it_is_sent(text: str | bytes, reason: str) -> None:
    refusal = PLAIN.apply(line(text, 7))
    assert isinstance(refusal, Refusal)
    assert refusal.line_number == 7
    assert refusal.reasons[0].startswith(reason)
