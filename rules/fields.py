"""Fields: what stands at the JSON paths of a batch of events, each payload decoded once, with types kept exactly.

A field is held as its JSON token: `"10.0.0.1"` with quotes, `12`, `true`, `{"x":1}`; null where the path is missing or
holds JSON null. Equal values have equal tokens: escapes, `1.0` and `1`, and the order of an object's keys make no
difference. A payload that cannot be read has no fields; it never harms the rest of the batch.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec
import polars as pl

from rules.paths import EVENT_COLUMNS, is_json_path, normal_path, split_path

# No valid JSON text holds this character, so it can part one token from the next.
_BETWEEN = "\x1e"
_MISSING = msgspec.Raw(b"")
_INTEGER = r"^(0|-?[1-9][0-9]*)$"
_USUAL = re.compile(r'(?:"[^"\\]*"|0|-?[1-9][0-9]*|true|false)\Z').match
# Fewer values than this are looked at one by one: a query would cost more than its work.
_MANY = 64
_ESCAPED_IN_JSON = {chr(code): msgspec.json.encode(chr(code)).decode()[1:-1] for code in [*range(32), 34, 92]}

_Keys = dict[str, "_Keys"]
Decode = Callable[[str], Any]


def with_fields(events: pl.DataFrame, paths: Iterable[str]) -> pl.DataFrame:
    """The events with one String column of tokens for each JSON path, named as the path's normal form.

    Columns of the event may be among the paths and are left as they are; a path that is there already stays.
    """
    wanted = {normal_path(path) for path in paths}
    missing = sorted(path for path in wanted if is_json_path(path) and path not in events.columns)
    roots: _Keys = {}
    for path in missing:
        keys = roots
        for segment in split_path(path):
            keys = keys.setdefault(segment, {})
    columns: dict[tuple[str, ...], pl.Series] = {}
    for root, keys in roots.items():
        _read_keys(events[root], (root,), keys, columns)
    return events.with_columns(canonical_tokens(columns[split_path(path)]).alias(path) for path in missing)


def _read_keys(objects: pl.Series, at: tuple[str, ...], keys: _Keys, into: dict[tuple[str, ...], pl.Series]) -> None:
    """Read `keys` of each JSON object of the series, and what lies deeper in those that are objects themselves."""
    for key, tokens in zip(keys, _first_level(objects, list(keys)), strict=True):
        into[(*at, key)] = tokens
        if keys[key]:
            inside = tokens.str.starts_with("{").fill_null(False)
            _read_keys(tokens.set(~inside, None), (*at, key), keys[key], into)


def _first_level(objects: pl.Series, keys: list[str]) -> list[pl.Series]:
    record, of_all, of_one = _reader(tuple(keys))
    rows = _decode(objects.fill_null("{}"), record, of_all, of_one)
    return [_tokens(list(map(attrgetter(name), rows))) for name in record.__struct_fields__]


@lru_cache(maxsize=1024)
def _reader(keys: tuple[str, ...]) -> tuple[type[msgspec.Struct], Decode, Decode]:
    """What reads these keys of an object, and nothing else of it: of a list of objects, and of one."""
    names = [f"key_{number}" for number in range(len(keys))]
    record = msgspec.defstruct(
        "FirstLevel",
        [(name, msgspec.Raw, _MISSING) for name in names],
        rename=dict(zip(names, keys, strict=True)),
        gc=False,
    )
    of_all = msgspec.json.Decoder(list[record])  # type: ignore[valid-type]
    return record, of_all.decode, msgspec.json.Decoder(record).decode


def _decode(objects: pl.Series, record: type[msgspec.Struct], of_all: Decode, of_one: Decode) -> list[Any]:
    """One record for each row: all in one go, or row by row where one of them is no JSON object."""
    try:
        rows: list[Any] = of_all("[" + objects.str.join(",").item() + "]")
        if len(rows) == len(objects):
            return rows
    except (ValueError, RecursionError):
        pass
    nothing = record()
    rows = []
    for text in objects.to_list():
        try:
            rows.append(of_one(text))
        except (ValueError, RecursionError):
            rows.append(nothing)
    return rows


def _tokens(raw: list[msgspec.Raw]) -> pl.Series:
    if len(raw) < _MANY:
        texts = [bytes(token).decode() for token in raw]
        return pl.Series([None if text in ("", "null") else text for text in texts], dtype=pl.String)
    joined = _BETWEEN.encode().join(raw).decode()
    tokens = pl.Series([joined]).str.split(_BETWEEN).explode()
    return tokens.set(tokens.is_in(["", "null"]), None)


def canonical_tokens(tokens: pl.Series) -> pl.Series:
    """Make equal JSON values equal text; only the rows that need it are touched."""
    if len(tokens) < _MANY and all(token is None or _USUAL(token) for token in tokens):
        return tokens
    unusual_number = tokens.str.contains("^[-0-9]") & ~tokens.str.contains(_INTEGER)
    if unusual_number.any():
        tokens = (
            tokens.to_frame("token")
            .select(pl.when(unusual_number).then(_number_spelled_alike(pl.col("token"))).otherwise(pl.col("token")))
            .to_series()
        )
    unusual_text = tokens.str.contains(r'^["].*\\') | tokens.str.contains(r"^[{\[]")
    if unusual_text.any():
        spellings = tokens.filter(unusual_text).unique()
        tokens = tokens.replace(spellings, pl.Series([_same_value(s) for s in spellings], dtype=pl.String))
    return tokens


def _same_value(token: str) -> str:
    try:
        return msgspec.json.encode(msgspec.json.decode(token), order="sorted").decode()
    except (ValueError, RecursionError):
        return token


def as_token(path: str) -> pl.Expr:
    """What stands at the path, as its JSON token; columns of the event become tokens too."""
    if is_json_path(path):
        return pl.col(path)
    column = event_column(path)
    if EVENT_COLUMNS[path] == "number":
        return token_of_number(column)
    return token_of_text(column.dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ") if EVENT_COLUMNS[path] == "time" else column)


def as_text(path: str) -> pl.Expr:
    """The text at the path; null where something else than a JSON string stands there."""
    if is_json_path(path):
        return text_in(pl.col(path))
    return event_column(path) if EVENT_COLUMNS[path] == "text" else pl.lit(None, pl.String)


def as_number(path: str) -> pl.Expr:
    """The number at the path as a double; null where something else stands there, or a number no double can hold."""
    if is_json_path(path):
        return number_in(pl.col(path))
    return event_column(path) if EVENT_COLUMNS[path] == "number" else pl.lit(None, pl.Float64)


def as_integer(path: str) -> pl.Expr:
    """The whole number at the path, exact up to 2^63; null where something else stands there."""
    return pl.col(path).cast(pl.Int64, strict=False) if is_json_path(path) else pl.lit(None, pl.Int64)


def event_column(path: str) -> pl.Expr:
    """A column of the event; `lag_seconds` is how long after its own time the event was received."""
    if path != "lag_seconds":
        return pl.col(path)
    return (pl.col("received_at") - pl.col("timestamp")).dt.total_microseconds() / 1_000_000


def text_in(token: pl.Expr) -> pl.Expr:
    """The text that a token is; null for a token of another type."""
    return pl.when(token.str.starts_with('"')).then(token).str.json_decode(pl.String)


def number_in(token: pl.Expr) -> pl.Expr:
    """The number that a token is, as a double; null for a token of another type."""
    return finite(token.cast(pl.Float64, strict=False))


def finite(number: pl.Expr) -> pl.Expr:
    """The number, or null where it is none that can be counted with."""
    return number.replace([float("inf"), float("-inf"), float("nan")], None)


def token_of_text(text: pl.Expr) -> pl.Expr:
    """The token of a text."""
    return '"' + text.str.replace_many(_ESCAPED_IN_JSON) + '"'


def token_of_number(number: pl.Expr) -> pl.Expr:
    """The token of a number."""
    return number.cast(pl.String).map_batches(canonical_tokens, return_dtype=pl.String, is_elementwise=True)


def _number_spelled_alike(token: pl.Expr) -> pl.Expr:
    """The one spelling of a number: `1`, `1.0` and `1e0` are all `1`."""
    number = token.cast(pl.Float64, strict=False)
    whole = number.is_finite() & (number == number.floor()) & (number.abs() < 2.0**63)
    return (
        pl.when(whole)
        .then(number.cast(pl.Int64, strict=False).cast(pl.String))
        .when(number.is_finite())
        .then(number.cast(pl.String))
        .otherwise(token)
    )


def token_of(value: object) -> str | None:
    """The token of a Python value, as `with_fields` would give it; None for None."""
    if value is None:
        return None
    token = msgspec.json.encode(value).decode()
    return token if isinstance(value, str) else canonical_tokens(pl.Series([token], dtype=pl.String))[0]


def group_text(values: Mapping[str, object]) -> str:
    """The canonical text of a group: JSON of path -> value, in the order given."""
    parts = [f"{msgspec.json.encode(normal_path(path)).decode()}:{token_of(v) or 'null'}" for path, v in values.items()]
    return "{" + ",".join(parts) + "}"
