"""Fields are what stands at JSON paths, with types kept exactly; bad payloads have no fields and harm no other."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from eventpulse.event import EVENT_SCHEMA
from rules.fields import as_integer, as_number, as_text, as_token, group_text, token_of, with_fields

INSTANT = datetime(2026, 1, 5, tzinfo=UTC)


def events(*payloads: str | None, source: str = "source") -> pl.DataFrame:
    late = INSTANT + timedelta(milliseconds=1500)
    rows = [(str(n), "type", source, INSTANT, late, n, payload, '{"k":1}') for n, payload in enumerate(payloads)]
    return pl.DataFrame(rows, schema=EVENT_SCHEMA, orient="row")


def tokens(path: str, *payloads: str | None) -> list[str | None]:
    return with_fields(events(*payloads), [path])[path].to_list()


@pytest.mark.parametrize(
    ("written", "token"),
    [
        ('"10.0.0.1"', '"10.0.0.1"'),
        ("12", "12"),
        ('"12"', '"12"'),
        ("12.0", "12"),
        ("1.2e1", "12"),
        ("-0", "0"),
        ("0.5", "0.5"),
        ("5e-1", "0.5"),
        ("9223372036854775807", "9223372036854775807"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("true", "true"),
        ("null", None),
        ('"é"', '"é"'),
        ('"\\u00e9"', '"é"'),
        ('"\\/"', '"/"'),
        ('"a\\"b\\\\\\n"', '"a\\"b\\\\\\n"'),
        ('{"y": 1, "x": [1, 2]}', '{"x":[1,2],"y":1}'),
        ('""', '""'),
    ],
)
def test_equal_values_have_one_token_and_types_are_kept(written: str, token: str | None) -> None:
    assert tokens("payload.a", f'{{"a": {written}}}') == [token]


def test_a_deeper_path_leads_through_objects_only() -> None:
    payloads = ['{"a":{"b":{"c":1}}}', '{"a":{"b":5}}', '{"a":[{"b":1}]}', '{"a":"{\\"b\\":1}"}', "{}"]
    assert tokens("payload.a.b.c", *payloads) == ["1", None, None, None, None]
    assert tokens("payload.a.b", *payloads) == ['{"c":1}', "5", None, None, None]


def test_of_a_key_that_stands_twice_the_last_one_counts_as_in_postgresql() -> None:
    assert tokens("payload.a", '{"a":1,"a":2}') == ["2"]


def test_a_key_is_found_however_it_is_escaped() -> None:
    assert tokens("payload.ip", '{"\\u0069p":1}') == ["1"]
    assert tokens('payload."odd. key"', '{"odd. key":1}') == ["1"]


@pytest.mark.parametrize(
    "unreadable",
    ["", "garbage", "[1]", '{"a":', '{"a":"\x01"}', '{"a":"\\ud800"}', "[" * 5000, '{"a":1},{"a":2}', None, "NaN"],
)
def test_a_payload_that_cannot_be_read_has_no_fields_and_harms_no_other(unreadable: str | None) -> None:
    assert tokens("payload.a", '{"a":1}', unreadable, '{"a":"x"}') == ["1", None, '"x"']


def test_white_space_and_line_ends_between_tokens_do_not_matter() -> None:
    assert tokens("payload.a.b", '{\n "a" :\n {"b"\n:\t1 } }', '{"a":{"b":2}}') == ["1", "2"]


def test_no_events_have_no_fields() -> None:
    assert with_fields(events(), ["payload.a.b"]).schema["payload.a.b"] == pl.String


def test_two_spellings_of_a_path_are_one_column_and_columns_of_the_event_stay() -> None:
    frame = with_fields(events('{"user-agent":"x"}'), ['payload."user-agent"', "payload.user-agent", "source"])
    assert frame.columns == [*EVENT_SCHEMA, "payload.user-agent"]
    assert with_fields(frame, ["payload.user-agent"]).equals(frame)


def test_a_field_is_a_text_or_a_number_or_neither() -> None:
    frame = with_fields(events('{"a":"x\\ty"}', '{"a":7}', '{"a":true}', '{"a":1e400}', "{}"), ["payload.a"])
    read = frame.select(text=as_text("payload.a"), number=as_number("payload.a"), integer=as_integer("payload.a"))
    assert read.rows() == [("x\ty", None, None), (None, 7.0, 7), *[(None, None, None)] * 3]


def test_columns_of_the_event_serve_as_paths() -> None:
    frame = events("{}", source='we "b"\n')
    read = frame.select(
        token=as_token("source"), text=as_text("source"), lag=as_number("lag_seconds"), at=as_token("timestamp")
    )
    assert read.row(0) == (token_of('we "b"\n'), 'we "b"\n', 1.5, '"2026-01-05T00:00:00.000000Z"')


def test_a_group_is_written_as_canonical_json() -> None:
    group = group_text({"payload.user": 'a"b', "payload.n": 1.0, "source": None})
    assert group == '{"payload.user":"a\\"b","payload.n":1,"source":null}'
