"""A table's rows become the lines that a client would have sent, as the mapping says."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from eventpulse.importing.mapping import Column, WrongMapping, read_mapping
from eventpulse.importing.table_lines import lines_of
from eventpulse.importing.times import check_times

BASICS = {"event_type": ["a"], "source": ["s"], "timestamp": ["2026-01-01T00:00:00Z"]}


def lines(table: dict[str, Any], *columns: str, constants: list[str] | None = None, **options: Any) -> list[Any]:
    frame = pl.DataFrame(table)
    mapping = read_mapping(None, columns, constants or [], **options)
    check_times(mapping)
    written, faults = lines_of(frame, mapping.completed(frame.columns))
    assert not faults
    return [msgspec.json.decode(line) for line in written]


def fault_of(table: dict[str, Any], *columns: str, **options: Any) -> str:
    frame = pl.DataFrame(table)
    mapping = read_mapping(None, columns, **options)
    _, faults = lines_of(frame, mapping.completed(frame.columns))
    assert list(faults) == [0]
    return faults[0].sentence


def test_columns_that_are_called_like_fields_need_no_mention_and_others_are_left_out() -> None:
    assert lines({**BASICS, "payload.status": [200], "payload.a.b": ["x"], "other": [1]}) == [
        {
            "event_type": "a",
            "source": "s",
            "timestamp": BASICS["timestamp"][0],
            "payload": {"status": 200, "a": {"b": "x"}},
        }
    ]


def test_the_rest_goes_where_it_is_told_to_under_its_own_name() -> None:
    [event] = lines({**BASICS, "x.y": ["1"], "z": [True]}, "payload.renamed=z", rest="payload")

    assert event["payload"] == {"renamed": True, "x.y": "1"}


def test_an_empty_cell_is_a_missing_value_and_so_is_an_object_of_nothing_else() -> None:
    events = lines(
        {name: value * 2 for name, value in BASICS.items()} | {"payload.a.b": [None, 1], "payload.c": [2, None]}
    )

    assert [event["payload"] for event in events] == [{"c": 2}, {"a": {"b": 1}}]


@pytest.mark.parametrize(
    ("value", "kind", "becomes"),
    [
        ("200", "text", "200"),
        ("200", "number", 200),
        (" -1.5e3 ", "number", -1500.0),
        ("TRUE", "boolean", True),
        ('{"a": [1, null]}', "json", {"a": [1, None]}),
        ('quote " and\nline', "text", 'quote " and\nline'),
        ("200", "auto", "200"),
        (200, "auto", 200),
        (200, "text", "200"),
        (1.5, "auto", 1.5),
        (False, "auto", False),
        ([1, 2], "auto", [1, 2]),
        ({"a": "b"}, "auto", {"a": "b"}),
        (date(2026, 1, 2), "auto", "2026-01-02"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "auto", "2026-01-02T03:00:00.000000Z"),
    ],
    ids=repr,
)
def test_a_value_becomes_what_its_kind_says(value: Any, kind: str, becomes: Any) -> None:
    assert lines({**BASICS, "v": [value]}, f"payload.v=v:{kind}")[0]["payload"] == {"v": becomes}


def test_a_number_keeps_every_digit_that_was_written() -> None:
    frame = pl.DataFrame({**BASICS, "v": ["12345678901234567890.10"]})
    mapping = read_mapping(None, ["payload.v=v:number"]).completed(frame.columns)

    assert b'"v":12345678901234567890.10' in lines_of(frame, mapping)[0][0]


@pytest.mark.parametrize(
    ("value", "options", "instant"),
    [
        ("2026-07-01T10:00:00+02:00", {}, "2026-07-01T10:00:00+02:00"),
        ("2026-07-01 10:00:00", {"time_zone": "Europe/Berlin"}, "2026-07-01T08:00:00.000000Z"),
        ("2026-07-01T10:00:00.25Z", {"time_zone": "Europe/Berlin"}, "2026-07-01T10:00:00.25Z"),
        ("2026-07-01", {"time_zone": "UTC"}, "2026-07-01T00:00:00.000000Z"),
        ("2025-10-26 02:30:00", {"time_zone": "Europe/Berlin"}, "2025-10-26T00:30:00.000000Z"),
        ("17/May/2015:10:05:03 +0200", {"time_format": "%d/%b/%Y:%H:%M:%S %z"}, "2015-05-17T08:05:03.000000Z"),
        ("1490587506", {"time_format": "epoch_seconds"}, "2017-03-27T04:05:06.000000Z"),
        ("1490587506.25", {"time_format": "epoch_seconds"}, "2017-03-27T04:05:06.250000Z"),
        (1490587506123, {"time_format": "epoch_milliseconds"}, "2017-03-27T04:05:06.123000Z"),
        (1490587506123456, {"time_format": "epoch_microseconds"}, "2017-03-27T04:05:06.123456Z"),
        (1490587506123456789, {"time_format": "epoch_nanoseconds"}, "2017-03-27T04:05:06.123456Z"),
        (datetime(2026, 7, 1, 10), {"time_zone": "Europe/Berlin"}, "2026-07-01T08:00:00.000000Z"),
        (datetime(2026, 7, 1, 10, tzinfo=UTC), {}, "2026-07-01T10:00:00.000000Z"),
    ],
)
def test_times_are_read_as_they_are_written(value: Any, options: dict[str, str], instant: str) -> None:
    assert lines({**BASICS, "t": [value]}, "timestamp=t", **options)[0]["timestamp"] == instant


@pytest.mark.parametrize(
    ("value", "column", "options", "fault"),
    [
        ("2x", "payload.v=v:number", {}, "column \"v\" (payload.v): '2x' is no number"),
        ("01", "payload.v=v:number", {}, "'01' is no number"),
        ("yes", "payload.v=v:boolean", {}, "'yes' is no boolean"),
        ("{", "payload=v", {}, 'column "v": no JSON'),
        ("30 Feb", "timestamp=v", {"time_format": "%d %b %z"}, "'30 Feb' is no time (%d %b %z)"),
        ("2026-03-29 02:30:00", "timestamp=v", {"time_zone": "Europe/Berlin"}, "is no time"),
    ],
)
def test_a_value_that_is_not_what_the_mapping_says_is_named(
    value: str, column: str, options: dict[str, str], fault: str
) -> None:
    assert fault in fault_of({**BASICS, "v": [value]}, column, **options)


@pytest.mark.parametrize(
    ("columns", "options", "fault"),
    [
        (["status=code"], {}, "status is no field of an event"),
        (["payload.a=x", "payload.a.b=y"], {}, "cannot be a value and hold others"),
        (["timestamp"], {}, "--map must be written FIELD=COLUMN, got 'timestamp'"),
        ([], {"rest": "source"}, "The rest can go into payload or metadata"),
        (["source=nothing"], {}, 'There is no column "nothing" for source. The columns are: event_type, source, t.'),
        ([], {}, "No column is called timestamp. Name one with --map timestamp=COLUMN"),
        (["timestamp=t"], {"time_zone": "Mars"}, "There is no time zone Mars"),
        (["timestamp=t"], {"time_format": "%d.%m.%Y"}, "have no offset. Say with --time-zone"),
        (["timestamp=t"], {"time_format": "iso"}, "The time format must be one of"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused_before_anything_is_read(
    columns: list[str], options: dict[str, str], fault: str
) -> None:
    with pytest.raises(WrongMapping) as refused:
        mapping = read_mapping(None, columns, **options)
        check_times(mapping)
        mapping.completed(["event_type", "source", "t"])

    assert fault in str(refused.value)


def test_a_mapping_file_says_the_same_as_options_which_come_before_it(tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(
        "timestamp: time\nsource: {const: web}\npayload:\n  status: {column: code, type: number}\n  deep: {a: b}\n"
        "metadata: {tags: {const: [1, two]}}\nrest: payload\ntime_zone: UTC\n"
    )

    mapping = read_mapping(file, ["payload.status=code"], ["event_type=hit"])

    assert mapping.fields["payload.status"] == Column("code")
    assert mapping.fields["payload.deep.a"] == Column("b")
    assert (mapping.rest, mapping.time_zone) == ("payload", "UTC")
    frame = pl.DataFrame({"time": ["2026-01-01 00:00:00"], "code": ["1"], "b": ["x"], "more": ["y"]})
    written, _ = lines_of(frame, mapping.completed(frame.columns))
    assert msgspec.json.decode(written[0]) == {
        "timestamp": "2026-01-01T00:00:00.000000Z",
        "source": "web",
        "event_type": "hit",
        "payload": {"status": "1", "deep": {"a": "x"}, "more": "y"},
        "metadata": {"tags": [1, "two"]},
    }
