"""Files are read in pieces, whatever they are packed in, and each row is known by its place."""

import csv
import gzip
import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, strategies as st

from eventpulse.importing.csv_rows import after_whole_row, csv_rows
from eventpulse.importing.files import EventFile, find_files
from eventpulse.importing.mapping import Constant, TableMapping, WrongMapping
from eventpulse.importing.ndjson_rows import ndjson_rows
from eventpulse.importing.rows import UnreadableImport
from tests.importing import pieces_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

EVENT = {"event_type": "a", "source": "s", "timestamp": "2026-01-01T00:00:00Z"}
CSV_HEAD = "event_type,source,timestamp,payload.text\n"


def ids(file: EventFile, **options: Any) -> list[str]:
    return [event_id for piece in pieces_of(file, **options) for event_id in piece.events["event_id"]]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd.compress], ids=["plain", "gzip", "zstd"])
def test_lines_are_numbered_as_they_stand_and_blank_ones_are_no_events(tmp_path: Path, pack: Any) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(pack(b"\xef\xbb\xbf" + b'{"a":1}\r\n\n  \n{"a":2}\n{"a":3}'))

    rows = list(ndjson_rows(str(path), after=0, longest=100, piece_rows=2))

    assert [number for some in rows for number in some.numbers] == [1, 4, 5]
    assert [line for some in rows for line in some.lines] == [b'{"a":1}', b'{"a":2}', b'{"a":3}']
    assert rows[-1].through == 5
    rest = list(ndjson_rows(str(path), after=4, longest=100, piece_rows=2))
    assert [number for some in rest for number in some.numbers] == [5]


def test_a_line_that_is_longer_than_any_event_may_be_is_a_fault_and_costs_its_neighbours_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"{}\n" + b"x" * 20_000_000 + b"\n{}\n")

    rows = list(ndjson_rows(str(path), after=0, longest=1_000))

    found = {some.numbers[index]: fault for some in rows for index, fault in some.faults.items()}
    assert list(found) == [2]
    assert "longer than 1,000 bytes" in found[2].sentence
    assert [number for some in rows for number in some.numbers] == [1, 2, 3]
    assert all(len(line) <= 10_000 for some in rows for line in some.lines)


def test_a_file_that_breaks_off_is_told_from_one_that_ends(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson.gz"
    path.write_bytes(gzip.compress(json.dumps(EVENT).encode() * 1_000)[:-20])

    with pytest.raises(UnreadableImport, match="breaks off"):
        list(ndjson_rows(str(path), after=0, longest=10_000_000))


@given(
    st.lists(st.lists(st.text("ab\"\n,' é", max_size=5), min_size=2, max_size=2), max_size=12),
    st.integers(1, 40),
    st.integers(1, 5),
)
def test_csv_is_read_the_same_however_it_is_cut(rows: list[list[str]], piece_bytes: int, piece_rows: int) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([["payload.a", "payload.b"], *rows])
    mapping = TableMapping({name: Constant(value) for name, value in EVENT.items()})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.csv"
        path.write_bytes(text.getvalue().encode())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("eventpulse.importing.csv_rows.PIECE_BYTES", piece_bytes)
            found = list(csv_rows(str(path), mapping, after=0, delimiter=",", piece_rows=piece_rows))
            numbers = [number for some in found for number in some.numbers]
            payloads = [json.loads(line).get("payload", {}) for some in found for line in some.lines]
            after = numbers[len(numbers) // 2] if numbers else 0
            behind = list(csv_rows(str(path), mapping, after=after, delimiter=",", piece_rows=piece_rows))

    expected = [{key: value for key, value in zip("ab", row, strict=True) if value} for row in rows]
    begins = 2
    lines = []
    for row in rows:
        lines.append(begins)
        begins += 1 + sum(value.count("\n") for value in row)
    kept = [(number, payload) for number, payload in zip(lines, expected, strict=True) if payload]
    assert list(zip(numbers, payloads, strict=True)) == kept
    assert [number for some in behind for number in some.numbers] == [number for number in numbers if number > after]


def test_a_cut_stands_in_no_quoted_field() -> None:
    assert after_whole_row(b'a\n"b\nc\n') == 2
    assert after_whole_row(b'a\n"b\nc"\nd') == 8
    assert after_whole_row(b'"b\n') == 0


def test_a_row_with_too_many_fields_is_a_fault_of_its_own_line(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text(
        CSV_HEAD + 'a,s,2026-01-01T00:00:00Z,"x\ny"\na,s,2026-01-01T00:00:00Z,x,y\na,s,2026-01-01T00:00:00Z\n'
    )

    [piece] = pieces_of(EventFile(str(path), "csv"))

    assert piece.events["number"].to_list() == [2, 5]
    assert [(row.number, row.sentence) for row in piece.faulty] == [(4, "5 fields for 4 columns")]


def test_csv_that_is_not_utf8_is_refused_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(CSV_HEAD.encode() + b"a,s,2026-01-01T00:00:00Z,\na,s,2026-01-01T00:00:00Z,caf\xe9\n")

    with pytest.raises(UnreadableImport, match=r"line 3, byte 29: this is not UTF-8"):
        pieces_of(EventFile(str(path), "csv"))


def test_a_parquet_file_keeps_its_types_and_goes_on_behind_any_row(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    table = pl.DataFrame({**{name: [value] * 50 for name, value in EVENT.items()}, "payload.n": range(50)})
    table.write_parquet(path, row_group_size=7)
    file = EventFile(str(path), "parquet")

    whole = pl.concat([piece.events for piece in pieces_of(file)])
    rest = pl.concat([piece.events for piece in pieces_of(file, after=33)])

    assert whole["payload"].to_list() == [f'{{"n":{number}}}' for number in range(50)]
    assert rest["event_id"].to_list() == whole["event_id"].to_list()[33:]
    assert rest["number"][0] == 34


def test_events_without_an_id_get_the_same_one_every_time_and_two_alike_are_two(tmp_path: Path) -> None:
    lines = [json.dumps(EVENT), json.dumps(EVENT), json.dumps({**EVENT, "payload": {"a": 1}})]
    first, packed, grown = tmp_path / "a.ndjson", tmp_path / "b.ndjson.gz", tmp_path / "c.ndjson"
    first.write_text("\n".join(lines))
    packed.write_bytes(gzip.compress("\n".join(lines).encode()))
    grown.write_text("\n".join([*lines, json.dumps(EVENT)]))
    other = tmp_path / "d.ndjson"
    other.write_text("\n".join(reversed(lines)))

    known = ids(EventFile(str(first), "ndjson"))

    assert len(set(known)) == 3
    assert all(event_id[14] == "5" for event_id in known)
    assert ids(EventFile(str(packed), "ndjson")) == known
    assert ids(EventFile(str(grown), "ndjson"))[:3] == known
    assert ids(EventFile(str(first), "ndjson"), after=1) == known[1:]
    assert not set(ids(EventFile(str(other), "ndjson"))) & set(known)


def test_every_faulty_row_is_named_with_its_line_and_column_and_the_others_are_events(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    bad = ['{"event_type":"a",', "[1]", json.dumps({**EVENT, "source": 5}), json.dumps({**EVENT, "event_id": "x"})]
    path.write_text("\n".join([json.dumps(EVENT), *bad, json.dumps(EVENT), ""]))

    [piece] = pieces_of(EventFile(str(path), "ndjson"))

    assert piece.events["number"].to_list() == [1, 6]
    said = {row.number: row.sentence for row in piece.faulty}
    assert said[2].startswith("it is not valid JSON")
    assert said[3] == "Expected object, received array"
    assert said[4] == "source (column 21): Expected string, received number"
    assert said[5].startswith("event_id (column ")


def test_files_are_found_by_name_by_pattern_and_by_folder(tmp_path: Path) -> None:
    for name in ("b.ndjson", "a.csv.gz", "deep/c.parquet", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    assert [(Path(file.name).name, file.format) for file in find_files([str(tmp_path)])] == [
        ("a.csv.gz", "csv"),
        ("b.ndjson", "ndjson"),
        ("c.parquet", "parquet"),
    ]
    assert [Path(file.name).name for file in find_files([str(tmp_path / "*.nd*"), str(tmp_path / "b.ndjson")])] == [
        "b.ndjson"
    ]
    for name, why in [
        ("none.csv", "There is no file"),
        ("*.xyz", "No file is called like"),
        ("notes.txt", "What kind of file is"),
    ]:
        with pytest.raises(UnreadableImport, match=why):
            find_files([str(tmp_path / name)])


def test_a_mapping_for_lines_that_are_events_already_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongMapping, match="no columns to map"):
        EventFile(str(tmp_path / "a.ndjson"), "ndjson").completed(TableMapping(time_zone="UTC"))
