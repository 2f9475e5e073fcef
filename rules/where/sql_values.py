"""The values a predicate speaks of, and how two of them compare: a number with a number, a text with a text.

What stands at a JSON path has its type in each row, so a comparison that does not fit a row is null there. Values whose
type is known beforehand and does not fit are refused while the predicate is read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import polars as pl

from rules.fields import number_in, text_in, token_of, token_of_number, token_of_text
from rules.where.sql_words import PredicateFault

Kind = Literal["text", "number", "time", "truth", "json"]
# Up to here a double is exact for every whole number, so comparing doubles cannot be wrong.
_EXACT_DOUBLE = 2**53
Comparison = Callable[[pl.Expr, pl.Expr], pl.Expr]


@dataclass(frozen=True)
class Value:
    """One value of a predicate. `json` holds tokens; `literal` is there where it is written in the predicate."""

    kind: Kind
    expression: pl.Expr
    column: int | None = None
    literal: Any = None

    def text(self) -> pl.Expr:
        """The text in each row, null where there is none. Raises PredicateFault where there never is one."""
        if self.kind == "json":
            return text_in(self.expression)
        if self.kind != "text":
            raise PredicateFault(f"{self.called()} stands where a text should stand.", self.column)
        return self.expression

    def number(self) -> pl.Expr:
        """The number in each row, null where there is none. Raises PredicateFault where there never is one."""
        if self.kind == "json":
            return number_in(self.expression)
        if self.kind != "number":
            raise PredicateFault(f"{self.called()} stands where a number should stand.", self.column)
        return self.expression.cast(pl.Float64)

    def integer(self) -> pl.Expr | None:
        """The whole number in each row, exact up to 2^63, where the value can have one."""
        if self.kind == "json":
            return self.expression.cast(pl.Int64, strict=False)
        exact = isinstance(self.literal, int) and abs(self.literal) < 2**63
        return pl.lit(self.literal, pl.Int64) if exact else None

    def truth(self) -> pl.Expr:
        """True, false or null in each row. Raises PredicateFault where there never is a truth."""
        if self.kind == "json":
            token = self.expression
            return pl.when(token.is_in(["true", "false"])).then(token == "true")
        if self.kind != "truth":
            raise PredicateFault(f"{self.called()} is neither true nor false; compare it with something.", self.column)
        return self.expression

    def time(self) -> pl.Expr:
        """The instant in each row. Raises PredicateFault where there never is one."""
        if self.kind == "time":
            return self.expression
        if self.kind == "text" and self.literal is not None:
            return pl.lit(_instant(self.literal, self.column), pl.Datetime("us", "UTC"))
        raise PredicateFault(
            f"{self.called()} stands where a time should stand; write one as '2026-01-31T12:00:00Z'.", self.column
        )

    def token(self) -> pl.Expr:
        """The JSON token in each row."""
        if self.kind == "json":
            return self.expression
        if self.kind == "text":
            return token_of_text(self.expression)
        if self.kind == "number":
            return token_of_number(self.expression)
        if self.kind == "truth":
            return pl.when(self.expression).then(pl.lit("true")).when(~self.expression).then(pl.lit("false"))
        raise PredicateFault(f"{self.called()} cannot stand together with values of another type.", self.column)

    def called(self) -> str:
        """What a person calls it: `the text 'a'`, `a number`."""
        word = {"text": "text", "number": "number", "time": "time", "truth": "truth", "json": "JSON value"}[self.kind]
        return f"the {word} {self.literal!r}".capitalize() if self.literal is not None else f"A {word}"


def compare(left: Value, right: Value, with_: Comparison, *, ordered: bool) -> pl.Expr:
    """The comparison in each row; null where the types differ. Raises PredicateFault where they always do."""
    kinds = {left.kind, right.kind}
    if "time" in kinds:
        return with_(left.time(), right.time())
    if "truth" in kinds:
        if ordered:
            raise PredicateFault("What is true or false compares with = and <> only.", right.column)
        return with_(left.truth(), right.truth())
    if "text" in kinds:
        return _compare_texts(left, right, with_, ordered=ordered)
    if "number" in kinds:
        return _compare_numbers(left, right, with_)
    both = [_compare_numbers(left, right, with_), with_(left.text(), right.text())]
    if not ordered:
        both.append(with_(left.truth(), right.truth()))
    return pl.coalesce(both)


def _compare_texts(left: Value, right: Value, with_: Comparison, *, ordered: bool) -> pl.Expr:
    if right.kind == "json" and left.literal is not None and not ordered:
        left, right = right, left
    if left.kind == "json" and right.literal is not None and not ordered:
        token = left.expression  # equal texts have equal tokens, so the text itself need not be read
        return pl.when(token.str.starts_with('"')).then(with_(token, pl.lit(token_of(right.literal))))
    return with_(left.text(), right.text())


def _compare_numbers(left: Value, right: Value, with_: Comparison) -> pl.Expr:
    as_doubles = with_(left.number(), right.number())
    whole_left, whole_right = left.integer(), right.integer()
    if whole_left is None or whole_right is None or _small(left) or _small(right):
        return as_doubles
    return pl.coalesce(with_(whole_left, whole_right), as_doubles)


def _small(value: Value) -> bool:
    return isinstance(value.literal, int) and abs(value.literal) < _EXACT_DOUBLE


def _instant(text: str, column: int | None) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError) as fault:
        raise PredicateFault(f"'{text}' is no time; write one as '2026-01-31T12:00:00Z'.", column) from fault
