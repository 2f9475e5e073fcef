"""Which files are meant, of what kind each is, and by what it is known again."""

import glob
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from eventpulse.importing.csv_rows import csv_rows, header
from eventpulse.importing.mapping import TableMapping, WrongMapping
from eventpulse.importing.ndjson_rows import ndjson_rows
from eventpulse.importing.packed import STDIN, after_last_line, opened
from eventpulse.importing.parquet_rows import columns_of, first_row, parquet_rows
from eventpulse.importing.rows import Rows, UnreadableImport
from eventpulse.importing.times import check_times

Format = Literal["ndjson", "csv", "parquet"]
_FORMATS: dict[str, Format] = {
    **dict.fromkeys((".ndjson", ".jsonl", ".json", ".log"), "ndjson"),
    **dict.fromkeys((".csv", ".tsv"), "csv"),
    **dict.fromkeys((".parquet", ".pq"), "parquet"),
}
_PACKINGS = (".gz", ".zst", ".zstd")
_LOOKED_AT = 64 * 1024


@dataclass(frozen=True)
class EventFile:
    """A file of events. `name` is `-` for standard input."""

    name: str
    format: Format
    delimiter: str = ","

    @property
    def place(self) -> str:
        """Where it lies, whoever asks from where."""
        return self.name if self.name == STDIN else os.path.abspath(self.name)

    @property
    def unit(self) -> str:
        """What the rows of the file are counted in."""
        return "row" if self.format == "parquet" else "line"

    def fingerprint(self) -> str:
        """By which the file is known again under another name, packed or not, also when it has grown: its first row."""
        if self.format == "parquet":
            first = first_row(self.name)
        else:
            first = _first_lines(self.name, 2 if self.format == "csv" else 1)
        return hashlib.blake2b(first, digest_size=16).hexdigest()

    def completed(self, mapping: TableMapping) -> TableMapping:
        """The mapping as it is for this file. Raises WrongMapping or UnreadableImport where it cannot be mapped so,
        before anything is stored."""
        if self.format == "ndjson":
            if mapping != TableMapping():
                raise WrongMapping(
                    f"{self.name} holds events as they are sent over HTTP; there are no columns to map. Other JSON can"
                    " be brought into that form with jq."
                )
            return mapping
        check_times(mapping)
        if self.name == STDIN:  # its first line cannot be looked at twice
            return mapping
        columns = columns_of(self.name) if self.format == "parquet" else header(self.name, self.delimiter)
        return mapping.completed(columns)

    def rows(self, mapping: TableMapping, *, after: int, longest: int) -> Iterator[Rows]:
        """The rows behind a place, some at a time."""
        match self.format:
            case "ndjson":
                return ndjson_rows(self.name, after=after, longest=longest)
            case "csv":
                return csv_rows(self.name, mapping, after=after, delimiter=self.delimiter)
            case "parquet":
                return parquet_rows(self.name, mapping, after=after)


def find_files(named: Sequence[str], *, form: Format | None = None, delimiter: str | None = None) -> list[EventFile]:
    """The files that are named: as they are, as patterns, or as folders, whose files of a known kind are meant, by
    name. Raises UnreadableImport where there are none, or where the kind of one cannot be told."""
    found: dict[str, EventFile] = {}
    for name in named:
        for one in _names(name, form):
            found.setdefault(one, _event_file(one, form, delimiter))
    return list(found.values())


def _names(name: str, form: Format | None) -> Iterable[str]:
    if name == STDIN:
        return [name]
    if Path(name).is_dir():
        inside = sorted(str(file) for file in Path(name).rglob("*") if file.is_file())
        wanted = [file for file in inside if (_format(file) == form if form else _format(file))]
        if not wanted:
            raise UnreadableImport(f"The folder {name} has no file that ends in {', '.join(_FORMATS)}.")
        return wanted
    if Path(name).exists() or not glob.has_magic(name):
        return [name]
    matching = sorted(file for file in glob.glob(name, recursive=True) if Path(file).is_file())
    if not matching:
        raise UnreadableImport(f"No file is called like {name}.")
    return matching


def _event_file(name: str, form: Format | None, delimiter: str | None) -> EventFile:
    if name != STDIN and not Path(name).exists():
        raise UnreadableImport(f"There is no file {name}.")
    told = form or ("ndjson" if name == STDIN else _format(name))
    if told is None:
        raise UnreadableImport(f"What kind of file is {name}? Say so with --format ndjson, csv or parquet.")
    if told == "parquet" and name == STDIN:
        raise UnreadableImport("A Parquet file begins at its end, which standard input does not allow. Name the file.")
    return EventFile(name, told, delimiter or ("\t" if ".tsv" in Path(name).suffixes else ","))


def _format(name: str) -> Format | None:
    path = Path(name.lower())
    if path.suffix in _PACKINGS:
        path = path.with_suffix("")
    return _FORMATS.get(path.suffix)


def _first_lines(name: str, count: int) -> bytes:
    lines: list[bytes] = []
    with opened(name) as file:
        for piece in file.pieces(after_last_line, most_bytes=_LOOKED_AT, longest=1 << 20):
            lines += [line.strip() for line in piece.split(b"\n") if line.strip()]
            if len(lines) >= count:
                break
    return b"\n".join(lines[:count])
