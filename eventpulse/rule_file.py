"""A YAML file of rules: documents, each with the place of every key, so that a fault can be pointed at.

A file holds one rule, a list of rules, or several documents parted by `---`. YAML is read as JSON would be: `yes` and
`12:30` are texts, a date is a text, and a key that stands twice is a fault.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from eventpulse.errors import EventPulseError

FOLDER_PATTERNS = ("*.yaml", "*.yml")
_WRAPPINGS = ("rules", "groups")
_LARGEST_FILE = 4 * 1024 * 1024


class UnreadableFile(EventPulseError):
    """A file of rules that is no YAML. The sentence begins with `file:line:column`."""

    def __init__(self, file: Path, why: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{file}:{line}:{column}: {why}")
        self.why, self.line, self.column = why, line, column


@dataclass(frozen=True)
class FoundRule:
    """One rule's document, and where it stands."""

    file: Path
    document: Any
    node: yaml.Node

    def place(self, path: tuple[str | int, ...], column: int | None = None, *, at_key: bool = False) -> str:
        """`file:line:column` of what stands at the path, or of the nearest thing above it that is there.

        `column` counts inside a text that stands on one line. `at_key` points at the last key itself.
        """
        line, at = self.line_and_column(path, column, at_key=at_key)
        return f"{self.file}:{line}:{at}"

    def line_and_column(
        self, path: tuple[str | int, ...], column: int | None = None, *, at_key: bool = False
    ) -> tuple[int, int]:
        """The same place as numbers, counted from 1."""
        key = value = self.node
        for part in path:
            inside = _inside(value, part)
            if inside is None:
                break
            key, value = inside
        node = key if at_key else value
        offset = 0
        if column is not None and isinstance(node, yaml.ScalarNode) and node.style not in ("|", ">"):
            offset = column - 1 + (node.style in ("'", '"'))
        return node.start_mark.line + 1, node.start_mark.column + 1 + offset


def rule_files(folder: Path) -> list[Path]:
    """The files of rules in a folder and below, by name; a file is itself. Raises EventPulseError for a wrong name."""
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise EventPulseError(f"There is no folder {folder}.")
    return sorted(path for pattern in FOLDER_PATTERNS for path in folder.rglob(pattern))


def read_rule_file(file: Path) -> Iterator[FoundRule]:
    """Every rule's document in the file, in order. Raises UnreadableFile."""
    try:
        if file.stat().st_size > _LARGEST_FILE:
            raise UnreadableFile(file, f"the file is larger than {_LARGEST_FILE} bytes.")
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise UnreadableFile(file, f"the file cannot be read as text ({fault}).") from fault
    yield from read_rule_text(text, file)


def read_rule_text(text: str, file: Path) -> Iterator[FoundRule]:
    """Every rule's document in the text of a file, in order. Raises UnreadableFile."""
    try:
        loader = _Loader(text)
    except yaml.YAMLError as fault:
        raise UnreadableFile(file, "the file holds characters that YAML does not allow.") from fault
    try:
        while loader.check_node():
            node = loader.get_node()
            _require_no_wrapping(node, file)
            rules: list[yaml.Node] = node.value if isinstance(node, yaml.SequenceNode) else [node]  # type: ignore[list-item]
            for rule in rules:
                if not (isinstance(rule, yaml.ScalarNode) and rule.value == ""):
                    yield FoundRule(file, loader.construct_document(rule), rule)
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise UnreadableFile(file, f"{fault.problem or fault.context}.", *place) from fault
    except (ValueError, RecursionError) as fault:
        raise UnreadableFile(file, f"the file cannot be read ({fault}).") from fault
    finally:
        loader.dispose()


def _require_no_wrapping(node: yaml.Node | None, file: Path) -> None:
    """Elsewhere rules stand under a key of the file, which would be taken for a rule here."""
    if isinstance(node, yaml.MappingNode) and len(node.value) == 1:
        key, value = node.value[0]
        if isinstance(value, yaml.SequenceNode) and isinstance(key, yaml.ScalarNode) and key.value in _WRAPPINGS:
            why = f'rules do not stand under "{key.value}": make the list the whole file, or part them by `---`.'
            raise UnreadableFile(file, why, key.start_mark.line + 1, key.start_mark.column + 1)


def as_yaml(document: Mapping[str, Any]) -> str:
    """A rule's document as people write it in a file."""
    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=120)


class _Loader(yaml.SafeLoader):
    """YAML with the types of JSON and nothing else."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  the library's own way of setting it


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|)$"), ["~", "n", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), ["t", "f"])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]*)$"), list("-0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$"),
    list("-0123456789"),
)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
        if key is None:
            raise yaml.constructor.ConstructorError(None, None, "a key must be a text", key_node.start_mark)
        if key in found:
            raise yaml.constructor.ConstructorError(None, None, f'the key "{key}" stands twice', key_node.start_mark)
        found[key] = loader.construct_object(value_node, deep=True)
    return found


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def _inside(node: yaml.Node, part: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """The key (or the item itself) and the value that stand there."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if getattr(key, "value", None) == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None
