"""Values of some rows of a column, as Python objects."""

from collections.abc import Sequence
from typing import Any

import polars as pl

# Fewer rows than this are looked at one by one: a query would cost more than its work.
_MANY = 64


def picked(column: pl.Series, rows: Sequence[int | None]) -> list[Any]:
    """What stands in the rows with these numbers; None for None."""
    if len(rows) < _MANY:
        return [None if row is None else column[row] for row in rows]
    return column.gather(pl.Series(rows, dtype=pl.UInt32)).to_list()
