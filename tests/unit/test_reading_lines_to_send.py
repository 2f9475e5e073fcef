"""Files are read line by line, plain or gzip, and what cannot be read is said."""

import gzip
from contextlib import closing
from pathlib import Path

import pytest

from eventpulse.sending import lines
from eventpulse.sending.lines import Line, LineFile, UnreadableFile, first_line

TEXT = b'\xef\xbb\xbf{"a":1}\n\n  {"b":2}\r\n{"c":3}'


def all_lines(path: Path) -> list[Line]:
    with closing(LineFile(str(path))) as file:
        return list(file)


@pytest.mark.parametrize("compressed", [False, True])
def test_lines_keep_their_numbers_past_blank_ones(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(gzip.compress(TEXT) if compressed else TEXT)

    assert [(line.number, line.text) for line in all_lines(path)] == [(1, b'{"a":1}'), (3, b'{"b":2}'), (4, b'{"c":3}')]


def test_a_file_is_the_same_compressed_and_with_lines_added(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(TEXT)
    (tmp_path / "grown.gz").write_bytes(gzip.compress(TEXT + b'\n{"d":4}\n'))
    plain, grown = first_line(str(tmp_path / "plain")), first_line(str(tmp_path / "grown.gz"))
    assert plain and grown and plain.digest == grown.digest


def test_an_endless_line_is_marked_and_the_next_one_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 10)
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"x" * 95 + b"\n" + b"short\n")
    assert [(line.number, line.too_long) for line in all_lines(path)] == [(1, True), (2, False)]


def test_a_file_that_breaks_off_is_named_with_the_last_good_line(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson.gz"
    path.write_bytes(gzip.compress(b'{"a":1}\n' * 1000)[:-9])
    with pytest.raises(UnreadableFile, match=r"events\.ndjson\.gz breaks off after line \d+"):
        all_lines(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"Cannot open .*nothing-here: No such file"):
        LineFile(str(tmp_path / "nothing-here"))
