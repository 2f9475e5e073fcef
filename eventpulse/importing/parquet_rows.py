"""Rows of Parquet files: the columns have types, which the events keep."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from eventpulse.importing.mapping import TableMapping
from eventpulse.importing.rows import PIECE_ROWS, Rows, UnreadableImport
from eventpulse.importing.table_lines import lines_of


def parquet_rows(name: str, mapping: TableMapping, *, after: int, piece_rows: int = PIECE_ROWS) -> Iterator[Rows]:
    """The rows behind row `after`, some at a time. Rows count from 1."""
    try:
        table = pl.scan_parquet(Path(name), glob=False)
        mapping = mapping.completed(table.collect_schema().names())
        total = table.select(pl.len()).collect().item()
        batches = table.slice(after).collect_batches(chunk_size=piece_rows, maintain_order=True)
        through = after
        for batch in batches:
            for start in range(0, batch.height, piece_rows):
                some = batch[start : start + piece_rows]
                lines, faults = lines_of(some, mapping)
                numbers = list(range(through + 1, through + some.height + 1))
                through += some.height
                yield Rows(numbers, lines, through, through / total, faults)
    except (pl.exceptions.PolarsError, OSError) as fault:
        raise UnreadableImport(f"Cannot read {name} as Parquet: {str(fault).splitlines()[0]}.") from fault


def columns_of(name: str) -> list[str]:
    """The names of the columns."""
    try:
        return pl.scan_parquet(Path(name), glob=False).collect_schema().names()
    except (pl.exceptions.PolarsError, OSError) as fault:
        raise UnreadableImport(f"Cannot read {name} as Parquet: {str(fault).splitlines()[0]}.") from fault


def first_row(name: str) -> bytes:
    """The first row as JSON; empty where there is none."""
    return pl.scan_parquet(Path(name), glob=False).head(1).collect().write_ndjson().encode()
