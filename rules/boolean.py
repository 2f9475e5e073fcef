"""Expressions over names of rules: `brute-force and not "planned maintenance"`, as a composite rule is written.

A name stands bare where it has no spaces or brackets, and in single or double quotes otherwise.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

MOST_NAMES = 32
DEEPEST_NESTING = 32
_TOKEN = re.compile(r"""\s*(?:(\()|(\))|"([^"]+)"|'([^']+)'|([^\s()"']+))""")


class ExpressionFault(ValueError):
    """A text that is no expression over names; `column` counts from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True)
class Name:
    """True where the rule of this name is true."""

    name: str


@dataclass(frozen=True)
class Not:
    part: "Tree"


@dataclass(frozen=True)
class And:
    parts: tuple["Tree", ...]


@dataclass(frozen=True)
class Or:
    parts: tuple["Tree", ...]


Tree = Name | Not | And | Or


@lru_cache(maxsize=1024)
def read_expression(text: str) -> Tree:
    """The expression as a tree. `not` binds tighter than `and`, `and` tighter than `or`. Raises ExpressionFault."""
    return _Reader(text).read()


def names_in(tree: Tree) -> Iterator[str]:
    """Every name of the tree, in the order in which it is written, repeats included."""
    if isinstance(tree, Name):
        yield tree.name
    elif isinstance(tree, Not):
        yield from names_in(tree.part)
    else:
        for part in tree.parts:
            yield from names_in(part)


@dataclass(frozen=True)
class _Token:
    kind: str  # "(", ")", "and", "or", "not", "name" or "end"
    text: str
    column: int


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionFault(f"{text[at:].strip()[:20]} opens a quote that is never closed.", at + 1)
        word = match[match.lastindex or 0]
        column = match.start(match.lastindex or 0) + 1
        bare_word = match.lastindex == 5 and word.lower() in ("and", "or", "not")
        kind = word.lower() if bare_word or match.lastindex in (1, 2) else "name"
        found.append(_Token(kind, word, column))
        at = match.end()
    return [*found, _Token("end", "", len(text) + 1)]


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        if sum(token.kind == "name" for token in self.tokens) > MOST_NAMES:
            raise ExpressionFault(f"An expression names at most {MOST_NAMES} rules.", 1)
        self.at = 0
        self.depth = 0

    def read(self) -> Tree:
        tree = self.either()
        if self.here.kind != "end":
            raise self.fault("and, or, or the end")
        return tree

    @property
    def here(self) -> _Token:
        return self.tokens[self.at]

    def take(self, kind: str) -> bool:
        taken = self.here.kind == kind
        self.at += taken
        return taken

    def fault(self, wanted: str) -> ExpressionFault:
        found = f'"{self.here.text}"' if self.here.text else "the end"
        return ExpressionFault(f"Found {found} where {wanted} should stand.", self.here.column)

    def either(self) -> Tree:
        parts = [self.both()]
        while self.take("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self) -> Tree:
        parts = [self.one()]
        while self.take("and"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def one(self) -> Tree:
        self.depth += 1
        if self.depth > DEEPEST_NESTING:
            raise ExpressionFault(f"An expression nests at most {DEEPEST_NESTING} deep.", self.here.column)
        tree: Tree
        if self.take("not"):
            tree = Not(self.one())
        elif self.take("("):
            tree = self.either()
            if not self.take(")"):
                raise self.fault('")"')
        else:
            name = self.here
            if not self.take("name"):
                raise self.fault('the name of a rule, not or "("')
            tree = Name(name.text)
        self.depth -= 1
        return tree
