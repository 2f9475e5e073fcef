"""Write the rows of a table as the lines of JSON that a client would have sent, all rows at once.

From there on a row is read like any event that comes over HTTP, by the same code and with the same faults.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import polars as pl

from eventpulse.importing.mapping import OBJECTS, Column, Constant, Kind, TableMapping, WrongMapping
from eventpulse.importing.rows import RowFault
from eventpulse.importing.times import iso_times

_NUMBER = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$"
_TIMES = (pl.Datetime, pl.Date, pl.Time, pl.Duration)
Node = Mapping[str, "Node | pl.Expr"]


def lines_of(table: pl.DataFrame, mapping: TableMapping) -> tuple[list[bytes], dict[int, RowFault]]:
    """A line for each row, and what is wrong with rows whose values are not what the mapping says they are. The mapping
    is completed for the table. Raises WrongMapping."""
    schema = table.schema
    values = {target: _value(target, origin, schema, mapping) for target, origin in mapping.fields.items()}
    columns = {target: origin for target, origin in mapping.fields.items() if isinstance(origin, Column)}
    given = {target: pl.col(origin.name).is_not_null() for target, origin in columns.items()}
    written = table.select(
        _object(_tree(values, mapping.whole)).alias("line"),
        *(
            pl.when(given[target] & values[target].is_null())
            .then(pl.col(origin.name).cast(pl.String))
            .alias(f"wrong {target}")
            for target, origin in columns.items()
            if _may_be_wrong(target, origin, schema, mapping)
        ),
    )
    faults = _faults(written, columns, mapping)
    for target, origin in columns.items():
        if _kind(target, origin, schema) == "json" and schema[origin.name] == pl.String:
            faults |= _unreadable_json(table[origin.name], origin)
    return [line.encode() for line in written["line"]], faults


def _value(target: str, origin: Column | Constant, schema: pl.Schema, mapping: TableMapping) -> pl.Expr:
    """A field as JSON text; null where there is none."""
    if isinstance(origin, Constant):
        return pl.lit(msgspec.json.encode(origin.value).decode())
    if target == "timestamp":
        return _quoted(iso_times(origin.name, schema[origin.name], mapping))
    return _encoded(origin.name, schema[origin.name], _kind(target, origin, schema))


def _kind(target: str, origin: Column, schema: pl.Schema) -> Kind:
    if origin.kind == "auto" and schema[origin.name] == pl.String:
        return "json" if target in OBJECTS else "text"
    return "text" if origin.kind == "auto" and "." not in target and target not in OBJECTS else origin.kind


def _may_be_wrong(target: str, origin: Column, schema: pl.Schema, mapping: TableMapping) -> bool:
    return target == "timestamp" or (origin.kind in ("number", "boolean") and schema[origin.name] == pl.String)


def _encoded(name: str, kind: pl.DataType, wanted: Kind) -> pl.Expr:
    column = pl.col(name)
    if kind == pl.String:
        match wanted:
            case "number":
                text = column.str.strip_chars()
                return pl.when(text.str.contains(_NUMBER)).then(text)
            case "boolean":
                text = column.str.strip_chars().str.to_lowercase()
                return pl.when(text.is_in(["true", "false"])).then(text)
            case "json":
                return column
            case _:
                return _quoted(column)
    if kind == pl.Binary or kind == pl.Object:
        raise WrongMapping(f'The column "{name}" holds bytes, which an event cannot.')
    if kind.is_nested():
        return _as_json(column)
    if kind.is_float():
        return _quoted(column.cast(pl.String)) if wanted == "text" else _as_json(column.fill_nan(None))
    if kind in _TIMES or kind in (pl.Categorical, pl.Enum):
        return _quoted(_time_text(column, kind))
    plain = column.cast(pl.String)  # whole numbers, decimals, truth values
    return _quoted(plain) if wanted == "text" else plain


def _time_text(column: pl.Expr, kind: pl.DataType) -> pl.Expr:
    if isinstance(kind, pl.Datetime):
        in_utc = column.dt.convert_time_zone("UTC") if kind.time_zone else column
        return in_utc.dt.to_string("%Y-%m-%dT%H:%M:%S%.6f" + ("Z" if kind.time_zone else ""))
    return column.dt.to_string("iso") if kind == pl.Duration else column.cast(pl.String)


def _quoted(text: pl.Expr) -> pl.Expr:
    return _as_json(text)


def _as_json(value: pl.Expr) -> pl.Expr:
    """Any value as JSON text, by way of an object that holds nothing else."""
    held = pl.struct(value.alias("v")).struct.json_encode()
    return pl.when(value.is_not_null()).then(held.str.strip_prefix('{"v":').str.head(-1))


def _tree(values: Mapping[str, pl.Expr], whole: frozenset[str]) -> Node:
    tree: dict[str, Any] = {}
    for target, value in values.items():
        node = tree
        path = target.split(".", 1) if target in whole else target.split(".")
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = value
    return tree


def _object(node: Node) -> pl.Expr:
    members = [
        pl.concat_str(pl.lit(f"{msgspec.json.encode(key).decode()}:"), _object_or_none(child))
        for key, child in node.items()
    ]
    return pl.concat_str(pl.lit("{"), pl.concat_str(*members, separator=",", ignore_nulls=True), pl.lit("}"))


def _object_or_none(child: "Node | pl.Expr") -> pl.Expr:
    if isinstance(child, pl.Expr):
        return child
    written = _object(child)
    return pl.when(written != "{}").then(written)


def _faults(written: pl.DataFrame, columns: Mapping[str, Column], mapping: TableMapping) -> dict[int, RowFault]:
    faults: dict[int, RowFault] = {}
    rows = written.with_row_index("row")
    for name in written.columns[1:]:
        target = name.removeprefix("wrong ")
        origin = columns[target]
        expected = f"time ({mapping.time_format or 'ISO 8601'})" if target == "timestamp" else origin.kind
        for row, value in rows.filter(pl.col(name).is_not_null()).select("row", name).iter_rows():
            shown = value if len(value) <= 60 else value[:57] + "..."
            faults[row] = RowFault(f"{shown!r} is no {expected}", f'column "{origin.name}" ({target})')
    return faults


def _unreadable_json(values: pl.Series, origin: Column) -> dict[int, RowFault]:
    faults = {}
    for row, value in enumerate(values):
        if value is None:
            continue
        try:
            msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError) as fault:
            faults[row] = RowFault(f"no JSON: {fault}", f'column "{origin.name}"')
    return faults
