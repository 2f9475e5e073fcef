"""The SQL condition of a filter, read into one Polars expression."""

from dataclasses import dataclass

import polars as pl

LONGEST_PREDICATE = 10_000


class PredicateFault(ValueError):
    """A text that is no condition of ours; `column` counts from 1."""

    def __init__(self, message: str, column: int | None = None) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True)
class Predicate:
    """A condition that was read: true, false, or null where SQL does not know."""

    text: str
    expression: pl.Expr
    paths: frozenset[str]


def read_predicate(sql: str) -> Predicate:
    """Read the condition. Raises PredicateFault."""
    raise PredicateFault("Conditions cannot be read yet.")
