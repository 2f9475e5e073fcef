"""The predicate: the SQL condition of a filter, read into one Polars expression with SQL's three-valued logic.

sqlglot parses it as PostgreSQL would; then each node of the tree is either on the list below or refused.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from operator import add, and_, eq, ge, gt, le, lt, mul, ne, or_, sub, truediv
from typing import Any

import polars as pl
from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import SqlglotError

from rules.fields import event_column, finite
from rules.paths import EVENT_COLUMNS, is_json_path
from rules.where.sql_functions import cidr_contains, like, regexp_like
from rules.where.sql_values import Value, compare
from rules.where.sql_words import LONGEST_PREDICATE, PredicateFault, read_words

__all__ = ["LONGEST_PREDICATE", "Predicate", "PredicateFault", "read_predicate"]

_COMPARISONS: dict[type[exp.Expr], Any] = {exp.EQ: eq, exp.NEQ: ne, exp.LT: lt, exp.LTE: le, exp.GT: gt, exp.GTE: ge}
_ARITHMETIC: dict[type[exp.Expr], Any] = {exp.Add: add, exp.Sub: sub, exp.Mul: mul, exp.Div: truediv}
_LONGEST_CALCULATION = 100
_CONDITIONS = {*_COMPARISONS, exp.In, exp.Between, exp.Is, exp.Like, exp.ILike, exp.Not, exp.And, exp.Or}
# The arguments of nodes that are read below; a node that has any other one means more than we understand.
_ARGUMENTS = {"this", "expression", "expressions", "low", "high", "negate", "is_string", "quoted", "typed"}


@dataclass(frozen=True)
class Predicate:
    """A condition that was read. `expression` is true, false, or null where SQL does not know; it wants a frame that
    has `paths` as fields."""

    text: str
    expression: pl.Expr
    paths: frozenset[str]


@lru_cache(maxsize=4096)
def read_predicate(sql: str) -> Predicate:
    """Read the condition. Raises PredicateFault, which says where it stands, what was found and what would do."""
    words = read_words(sql)
    try:
        trees = Postgres().parser().parse(words, sql)
        if len(trees) != 1 or trees[0] is None:
            raise PredicateFault("A condition is one expression.")
        tree = trees[0]
        paths = frozenset(column.name for column in tree.find_all(exp.Column))
        if not paths:
            raise PredicateFault("The condition says nothing about an event; compare one of its columns or paths.", 1)
        # Polars 2.1 may shrink a condition to one row where a whole column is null; a full column keeps its height.
        expression = _value(tree).truth() & pl.col("event_type").is_not_null()
    except SqlglotError as fault:
        raise _translated(fault, sql) from fault
    except RecursionError as fault:
        raise PredicateFault("The condition is nested too deeply; use fewer brackets.") from fault
    return Predicate(sql, expression, paths)


def _value(node: exp.Expr) -> Value:
    """The value of a node, by its type; everything that is not on the list is refused."""
    read = _READERS.get(type(node))
    if read is None or any(value for name, value in node.args.items() if name not in _ARGUMENTS):
        raise _refused(node)
    return read(node)


def _junction(node: exp.Expr) -> Value:
    """A chain of and, or of or: joined in halves, so that a long one is not a deep one."""
    parts = [_value(part).truth() for part in node.flatten()]
    join = and_ if isinstance(node, exp.And) else or_
    while len(parts) > 1:
        pairs = [join(*pair) for pair in zip(parts[::2], parts[1::2], strict=False)]
        parts = pairs + parts[len(pairs) * 2 :]
    return Value("truth", parts[0], _column(node))


def _not(node: exp.Expr) -> Value:
    return Value("truth", ~_value(node.this).truth(), _column(node))


def _comparison(node: exp.Expr) -> Value:
    with_ = _COMPARISONS[type(node)]
    left, right = _operand(node.this), _operand(node.expression)
    return Value("truth", compare(left, right, with_, ordered=with_ not in (eq, ne)), _column(node))


def _in(node: exp.Expr) -> Value:
    left = _operand(node.this)
    options = [_operand(option) for option in node.expressions]
    if not options:
        raise _refused(node)
    if left.kind in ("json", "text") and all(isinstance(option.literal, str) for option in options):
        found = left.text().is_in([option.literal for option in options])
    else:
        found = pl.Expr.or_(*(compare(left, option, eq, ordered=False) for option in options))
    return Value("truth", found, _column(node))


def _between(node: exp.Expr) -> Value:
    value, low, high = (_operand(node.args[part]) for part in ("this", "low", "high"))
    inside = compare(value, low, ge, ordered=True) & compare(value, high, le, ordered=True)
    return Value("truth", inside, _column(node))


def _is(node: exp.Expr) -> Value:
    if type(node.expression) is not exp.Null:
        raise PredicateFault("After is comes null or not null; compare with = otherwise.", _column(node))
    missing = _value(node.this).expression.is_null()
    return Value("truth", ~missing if node.args.get("negate") else missing, _column(node))


def _like(node: exp.Expr) -> Value:
    matches = like(
        _operand(node.this).text(),
        _literal_text(node.expression, "The pattern"),
        _column(node.expression),
        any_case=isinstance(node, exp.ILike),
    )
    return Value("truth", ~matches if node.args.get("negate") else matches, _column(node))


def _regexp(node: exp.Expr) -> Value:
    pattern = _literal_text(node.expression, "The pattern")
    return Value("truth", regexp_like(_operand(node.this).text(), pattern, _column(node.expression)), _column(node))


def _cidr(node: exp.Expr) -> Value:
    if node.name.lower() != "cidr_contains" or len(node.expressions) != 2:
        raise PredicateFault("cidr_contains takes a network and an address: ('10.0.0.0/8', payload.ip).", _column(node))
    network, address = node.expressions
    inside = cidr_contains(_literal_text(network, "The network"), _operand(address).text(), _column(network))
    return Value("truth", inside, _column(node))


def _arithmetic(node: exp.Expr) -> Value:
    """+ - * / in doubles. Division by zero, and a result no double can hold, are null."""
    chain = node.this
    for _ in range(_LONGEST_CALCULATION):
        if type(chain) not in _ARITHMETIC:
            break
        chain = chain.this
    else:
        raise PredicateFault(f"A calculation has at most {_LONGEST_CALCULATION} steps.", _column(node))
    result = _ARITHMETIC[type(node)](_operand(node.this).number(), _operand(node.expression).number())
    return Value("number", finite(result), _column(node))


def _negative(node: exp.Expr) -> Value:
    inside = _operand(node.this)
    if isinstance(inside.literal, (int, float)):
        return Value("number", pl.lit(-inside.literal, pl.Float64), inside.column, -inside.literal)
    return Value("number", -inside.number(), _column(node))


def _coalesce(node: exp.Expr) -> Value:
    values = [_operand(part) for part in (node.this, *node.expressions)]
    kinds = {value.kind for value in values}
    if len(kinds) == 1:
        return Value(values[0].kind, pl.coalesce([value.expression for value in values]), _column(node))
    return Value("json", pl.coalesce([value.token() for value in values]), _column(node))


def _of_text(change: Callable[[pl.Expr], pl.Expr], kind: Any, node: exp.Expr) -> Value:
    return Value(kind, change(_operand(node.this).text()), _column(node))


def _abs(node: exp.Expr) -> Value:
    return Value("number", _operand(node.this).number().abs(), _column(node))


def _path(node: exp.Expr) -> Value:
    path = node.name
    if is_json_path(path):
        return Value("json", pl.col(path), _column(node))
    if path not in EVENT_COLUMNS:  # a keyword where a value should stand
        raise PredicateFault(f"{path} stands where a value should stand.", _column(node))
    return Value(EVENT_COLUMNS[path], event_column(path), _column(node))  # type: ignore[arg-type]


def _literal(node: exp.Expr) -> Value:
    if node.args.get("is_string"):
        return Value("text", pl.lit(node.this, pl.String), _column(node), node.this)
    double = float(node.this)
    if double == float("inf"):
        raise PredicateFault(f"{node.this[:20]} is more than a number can be here.", _column(node))
    literal = int(node.this) if node.this.isdecimal() else double
    return Value("number", pl.lit(double, pl.Float64), _column(node), literal)


def _truth(node: exp.Expr) -> Value:
    return Value("truth", pl.lit(bool(node.this), pl.Boolean), _column(node))


def _brackets(node: exp.Expr) -> Value:
    return _value(node.this)


def _operand(node: exp.Expr) -> Value:
    if type(node) is exp.Null:
        raise PredicateFault("Nothing ever equals null; write is null or is not null.", _column(node.parent))
    if type(node) in _CONDITIONS:  # PostgreSQL refuses `a < b = c` too
        raise PredicateFault("A condition stands inside a comparison here; put it in brackets.", _column(node))
    return _value(node)


def _literal_text(node: exp.Expr, what: str) -> str:
    if type(node) is exp.Literal and node.args.get("is_string"):
        return str(node.this)
    raise PredicateFault(f"{what} must be a text in single quotes, written in the condition itself.", _column(node))


_READERS: dict[type, Callable[[Any], Value]] = {
    **dict.fromkeys(_COMPARISONS, _comparison),
    **dict.fromkeys(_ARITHMETIC, _arithmetic),
    exp.And: _junction,
    exp.Or: _junction,
    exp.Not: _not,
    exp.Paren: _brackets,
    exp.Column: _path,
    exp.Literal: _literal,
    exp.Boolean: _truth,
    exp.In: _in,
    exp.Between: _between,
    exp.Is: _is,
    exp.Like: _like,
    exp.ILike: _like,
    exp.RegexpLike: _regexp,
    exp.Anonymous: _cidr,
    exp.Neg: _negative,
    exp.Coalesce: _coalesce,
    exp.Abs: _abs,
    exp.Lower: partial(_of_text, lambda text: text.str.to_lowercase(), "text"),
    exp.Upper: partial(_of_text, lambda text: text.str.to_uppercase(), "text"),
    exp.Length: partial(_of_text, lambda text: text.str.len_chars().cast(pl.Float64), "number"),
}


def _column(node: exp.Expr | None) -> int | None:
    """Where the node starts in the text, counted from 1."""
    starts = [found.meta["start"] for found in (node.walk() if node else ()) if "start" in found.meta]
    return min(starts) + 1 if starts else None


def _refused(node: exp.Expr) -> PredicateFault:
    return PredicateFault(f"{node.key} cannot stand in a condition.", _column(node))


def _translated(fault: SqlglotError, sql: str) -> PredicateFault:
    found: Iterator[dict[str, Any]] = iter(getattr(fault, "errors", []))
    first = next(found, {})
    highlight, before = first.get("highlight") or "", first.get("start_context") or ""
    column = len(before) + 1 if before and sql.startswith(before) else sql.find(highlight) + 1 if highlight else None
    where = f' near "{highlight}"' if highlight else ""
    return PredicateFault(f"The condition cannot be read{where}; is a word, an operator or a bracket missing?", column)
