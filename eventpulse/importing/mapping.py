"""Which column of a table becomes which field of an event, as people write it: options, or a small YAML file."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

import msgspec
import yaml

from eventpulse.errors import EventPulseError

FIELDS = ("event_id", "event_type", "source", "timestamp", "payload", "metadata")
OBJECTS = ("payload", "metadata")
Kind = Literal["auto", "text", "number", "boolean", "json"]
KINDS: tuple[str, ...] = get_args(Kind)


class WrongMapping(EventPulseError):
    """A mapping does not make sense."""


@dataclass(frozen=True)
class Column:
    """The value of a column. `auto`: as the column has it; text where the file knows no types."""

    name: str
    kind: Kind = "auto"


@dataclass(frozen=True)
class Constant:
    """The same value in every event."""

    value: Any


@dataclass(frozen=True)
class TableMapping:
    """Fields of events (`source`, `payload.status`) and where they come from. Columns that are called like a field, or
    `payload.…` and `metadata.…`, need no mention. `rest` takes all other columns, under their own names.

    `time_format` is how timestamps are written (None: ISO 8601), `time_zone` what those without an offset mean.
    """

    fields: Mapping[str, Column | Constant] = field(default_factory=dict)
    rest: str | None = None
    time_format: str | None = None
    time_zone: str | None = None
    #: Fields whose name below payload or metadata is one key, dots and all: columns of the rest.
    whole: frozenset[str] = frozenset()

    @property
    def digest(self) -> str:
        """Tells this mapping from another one."""
        said = (sorted(self.fields.items()), self.rest, self.time_format, self.time_zone)
        return hashlib.blake2b(repr(said).encode(), digest_size=16).hexdigest()

    def completed(self, columns: Iterable[str]) -> "TableMapping":
        """The same for a table with these columns: what goes without saying is said. Raises WrongMapping."""
        columns = list(columns)
        fields = dict(self.fields)
        for column in columns:
            if column not in fields and _is_target(column) and not _clash(column, fields):
                fields[column] = Column(column)
        for target, origin in fields.items():
            if isinstance(origin, Column) and origin.name not in columns:
                raise WrongMapping(f'There is no column "{origin.name}" for {target}. {_have(columns)}')
        for needed in ("event_type", "source", "timestamp"):
            if needed not in fields:
                raise WrongMapping(
                    f"No column is called {needed}. Name one with --map {needed}=COLUMN, or give all events the same"
                    f" with --const {needed}=VALUE. {_have(columns)}"
                )
        whole: frozenset[str] = frozenset()
        if self.rest is not None:
            if self.rest in fields:
                raise WrongMapping(f"The rest cannot go into {self.rest}, which is a column of its own.")
            named = {origin.name for origin in fields.values() if isinstance(origin, Column)}
            others: dict[str, Column | Constant] = {
                f"{self.rest}.{column}": Column(column) for column in columns if column not in named
            }
            whole = frozenset(others.keys() - fields.keys())
            fields |= {target: others[target] for target in others if target in whole}
        return TableMapping(fields, None, self.time_format, self.time_zone, whole | self.whole)

    def column_of(self, path: tuple[str | int, ...]) -> str | None:
        """From which column what stands at a place in an event came."""
        for length in range(len(path), 0, -1):
            origin = self.fields.get(".".join(map(str, path[:length])))
            if origin is not None:
                return f'column "{origin.name}"' if isinstance(origin, Column) else "the constant"
        return None


def read_mapping(
    file: Path | None,
    columns: Iterable[str] = (),
    constants: Iterable[str] = (),
    *,
    rest: str | None = None,
    time_format: str | None = None,
    time_zone: str | None = None,
) -> TableMapping:
    """What a file and options say together; options come first. `columns` are written FIELD=COLUMN or
    FIELD=COLUMN:KIND, `constants` FIELD=VALUE. Raises WrongMapping."""
    fields: dict[str, Column | Constant] = {}
    if file is not None:
        said = _read_file(file)
        rest, time_format = rest or said.pop("rest", None), time_format or said.pop("time_format", None)
        time_zone = time_zone or said.pop("time_zone", None)
        fields |= _of_file(said, ())
    for option in columns:
        target, column = _halves("--map", option, "FIELD=COLUMN")
        name, _, kind = column.rpartition(":")
        fields[target] = Column(name, cast(Kind, kind)) if name and kind in KINDS else Column(column)
    for option in constants:
        target, value = _halves("--const", option, "FIELD=VALUE")
        fields[target] = Constant(value)
    for target in fields:
        if not _is_target(target):
            raise WrongMapping(
                f"{target} is no field of an event: {', '.join(FIELDS)}, or a place below payload or metadata"
                " such as payload.status."
            )
        if _clash(target, {other: origin for other, origin in fields.items() if other != target}):
            raise WrongMapping(f"{target} cannot be a value and hold others at the same time.")
    if rest is not None and rest not in OBJECTS:
        raise WrongMapping(f"The rest can go into payload or metadata, not into {rest}.")
    return TableMapping(fields, rest, time_format, time_zone)


def _is_target(target: str) -> bool:
    root, dot, below = target.partition(".")
    return root in OBJECTS and all(below.split(".")) if dot else root in FIELDS


def _clash(target: str, fields: Iterable[str]) -> bool:
    return any(other.startswith(f"{target}.") or target.startswith(f"{other}.") for other in fields)


def _halves(option: str, text: str, form: str) -> tuple[str, str]:
    target, equals, value = text.partition("=")
    if not (equals and target.strip() and value):
        raise WrongMapping(f"{option} must be written {form}, got {text!r}.")
    return target.strip(), value


def _read_file(file: Path) -> dict[str, Any]:
    try:
        said = yaml.safe_load(file.read_text())
    except OSError as fault:
        raise WrongMapping(f"Cannot read the mapping {file}: {fault.strerror}.") from fault
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise WrongMapping(f"The mapping {file} is no YAML: {fault}") from fault
    if not isinstance(said, dict):
        raise WrongMapping(f"The mapping {file} must say for each field where it comes from.")
    return {str(key): value for key, value in said.items()}


def _of_file(said: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Column | Constant]:
    fields: dict[str, Column | Constant] = {}
    for key, value in said.items():
        here = (*path, str(key))
        match value:
            case {"const": constant, **others} if not others:
                fields[".".join(here)] = Constant(constant)
            case {"column": str(name), **others} if set(others) <= {"type"} and others.get("type", "auto") in KINDS:
                fields[".".join(here)] = Column(name, cast(Kind, others.get("type", "auto")))
            case dict():
                fields |= _of_file(value, here)
            case str():
                fields[".".join(here)] = Column(value)
            case _:
                raise WrongMapping(
                    f"{'.'.join(here)} must name a column, be {{column: NAME, type: {'|'.join(KINDS)}}} or"
                    f" {{const: VALUE}}, got {msgspec.json.encode(value).decode()}."
                )
    return fields


def _have(columns: list[str]) -> str:
    return f"The columns are: {', '.join(columns)}."
