"""Rows of CSV files, plain or packed: the first line names the columns, everything else is text."""

import csv
from collections.abc import Iterator
from io import BytesIO, StringIO

import polars as pl

from eventpulse.importing.mapping import TableMapping
from eventpulse.importing.packed import PackedFile, opened
from eventpulse.importing.rows import PIECE_BYTES, PIECE_ROWS, RowFault, Rows, UnreadableImport
from eventpulse.importing.table_lines import lines_of

_QUOTE = b'"'
_LONGEST_ROW = 64 * 1024 * 1024


def csv_rows(
    name: str, mapping: TableMapping, *, after: int, delimiter: str, piece_rows: int = PIECE_ROWS
) -> Iterator[Rows]:
    """The rows behind line `after`, some at a time. A row's number is the line that it begins on; the names of the
    columns stand on line 1."""
    columns: list[str] | None = None
    line = 1
    with opened(name) as file:
        for piece in file.pieces(after_whole_row, most_bytes=PIECE_BYTES, longest=_LONGEST_ROW):
            if len(piece) > _LONGEST_ROW:
                raise UnreadableImport(f"{name}, line {line}: a quotation mark is opened and not closed again.")
            text = _decoded(piece, name, line)
            if columns is None:
                heading, _, text = text.partition("\n")
                columns = _columns(heading, name, delimiter)
                mapping = mapping.completed(columns)
                line += 1
            if not text:
                continue
            last = line + text.count("\n") - (1 if text.endswith("\n") else 0)
            if last > after:
                numbered, ragged = _read(text, columns, line, delimiter)
                yield from _pieces(numbered, ragged, mapping, after, last, file, piece_rows)
            line = last + 1


def header(name: str, delimiter: str) -> list[str]:
    """The names of the columns."""
    with opened(name) as file:
        for piece in file.pieces(after_whole_row, most_bytes=PIECE_BYTES, longest=_LONGEST_ROW):
            return _columns(_decoded(piece, name, 1).partition("\n")[0], name, delimiter)
    raise UnreadableImport(f"{name} is empty; its first line must name the columns.")


def after_whole_row(data: bytes) -> int:
    """Behind the last line end that stands in no quoted field."""
    at = data.rfind(b"\n") + 1
    odd = data.count(_QUOTE, 0, at) % 2
    while at and odd:
        before = data.rfind(b"\n", 0, at - 1) + 1
        odd = (odd - data.count(_QUOTE, before, at)) % 2
        at = before
    return at


def _pieces(
    table: pl.DataFrame,
    ragged: dict[int, RowFault],
    mapping: TableMapping,
    after: int,
    last: int,
    file: PackedFile,
    piece_rows: int,
) -> Iterator[Rows]:
    starts = range(0, max(table.height, 1), piece_rows)
    for start in starts:
        some = table[start : start + piece_rows].filter(pl.col("line") > after)
        following = table["line"][start + piece_rows] if start + piece_rows < table.height else last + 1
        lines, faults = lines_of(some.drop("line"), mapping)
        numbers = some["line"].to_list()
        faults |= {index: ragged[number] for index, number in enumerate(numbers) if number in ragged}
        yield Rows(numbers, lines, following - 1, file.progress, faults)


def _read(text: str, columns: list[str], first_line: int, delimiter: str) -> tuple[pl.DataFrame, dict[int, RowFault]]:
    """The rows with the line each begins on, and those that have more fields than there are columns. Blank lines are
    no rows."""
    try:
        table = pl.read_csv(
            BytesIO(text.encode()),
            has_header=False,
            schema=dict.fromkeys(columns, pl.String()),
            separator=delimiter,
            infer_schema=False,
        )
    except pl.exceptions.PolarsError:
        table, ragged = _read_by_hand(text, columns, first_line, delimiter)
    else:
        ends = pl.sum_horizontal(1, *(pl.col(name).str.count_matches("\n", literal=True) for name in columns))
        table, ragged = table.with_columns(line=first_line + ends.cum_sum() - ends), {}
    return table.filter(pl.any_horizontal(pl.col(*columns).is_not_null())), ragged


def _read_by_hand(
    text: str, columns: list[str], first_line: int, delimiter: str
) -> tuple[pl.DataFrame, dict[int, RowFault]]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    rows: list[list[str | None]] = []
    lines: list[int] = []
    ragged: dict[int, RowFault] = {}
    begins = first_line
    for fields in reader:
        if fields:
            if len(fields) > len(columns):
                ragged[begins] = RowFault(f"{len(fields)} fields for {len(columns)} columns")
            padded = [value or None for value in fields[: len(columns)]]
            rows.append(padded + [None] * (len(columns) - len(padded)))
            lines.append(begins)
        begins = first_line + reader.line_num
    schema = dict.fromkeys(columns, pl.String())
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return table.with_columns(line=pl.Series(lines, dtype=pl.Int64)), ragged


def _columns(heading: str, name: str, delimiter: str) -> list[str]:
    columns = next(csv.reader([heading.rstrip("\r")], delimiter=delimiter), [])
    twice = {column for column in columns if columns.count(column) > 1}
    if not any(columns) or twice:
        what = f"names {', '.join(sorted(twice))} twice" if twice else "is empty"
        raise UnreadableImport(f"{name}: its first line, which must name the columns, {what}.")
    return columns


def _decoded(piece: bytes, name: str, line: int) -> str:
    try:
        return piece.decode()
    except UnicodeDecodeError as fault:
        where = line + piece.count(b"\n", 0, fault.start)
        column = fault.start - piece.rfind(b"\n", 0, fault.start)
        raise UnreadableImport(
            f"{name}, line {where}, byte {column}: this is not UTF-8. Convert the file first, for instance with"
            " iconv -f latin1 -t utf-8."
        ) from fault
