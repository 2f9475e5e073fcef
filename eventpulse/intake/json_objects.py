"""What a JSON object of an event may hold, so that PostgreSQL and every reader after us can hold it too.

Its text travels and is stored exactly as sent. It is decoded here only to see that it can be: numbers a double can
hold, no NUL character in any text or key, no deeper than a limit.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

_decode_object = msgspec.json.Decoder(dict).decode
_LONGEST_NUMBER = 1_000
_SMALLEST_EXPONENT = -1_000

# With every digit a 0, these two betray each number that may be out of range and that decoding lets pass. They also
# show up in harmless text such as UUIDs; then the numbers are looked at one by one.
_DIGITS_BLURRED = bytes.maketrans(b"123456789E", b"000000000e")
_MOST_DIGITS = 308
_MANY_DIGITS = b"0" * (_MOST_DIGITS + 1)
_VERY_SMALL = b"0e-0000"
_STRING_OR_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE]([-+]?[0-9]+))?')

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault of a request: where, what, and a code for programs."""

    path: Path
    message: str
    code: str

    def under(self, *outer: str | int) -> "Issue":
        """The same fault, seen from further out."""
        return Issue((*outer, *self.path), self.message, self.code)


class Refused(ValueError):
    """What was sent cannot be taken, with the faults found."""

    def __init__(self, *issues: Issue) -> None:
        super().__init__("; ".join(issue.message for issue in issues))
        self.issues = issues


def check_object(text: str, *, deepest: int) -> None:
    """Raises Refused where a text, which is well-formed JSON, is no object that can be stored and read again."""
    try:
        value = _decode_object(text)
    except RecursionError:
        raise Refused(_too_deep((), deepest)) from None
    except msgspec.ValidationError as fault:
        if not text.startswith("{"):
            raise Refused(Issue((), f"Expected object, received {kind_of(text)}", "invalid_type")) from None
        raise Refused(Issue((), str(fault), "number_out_of_range")) from None
    # Each level takes two brackets, so short texts and texts with few brackets need no closer look.
    if len(text) >= 2 * deepest and text.count("{") + text.count("[") > deepest:
        _raise_first(_deep_places(value, (), deepest))
    if "\\u0000" in text:
        _raise_first(_nul_places(value, ()))
    if len(text) > _MOST_DIGITS or "e-" in text or "E-" in text:
        blurred = text.encode().translate(_DIGITS_BLURRED)
        if _VERY_SMALL in blurred or _MANY_DIGITS in blurred:
            _raise_first(_odd_numbers(text))


def kind_of(text: str) -> str:
    """What people call the JSON value that begins like this."""
    kinds = {"{": "object", "[": "array", '"': "string", "t": "boolean", "f": "boolean", "n": "null"}
    return kinds.get(text[:1], "number")


def _raise_first(issues: Iterator[Issue]) -> None:
    for issue in issues:
        raise Refused(issue)


def _too_deep(path: Path, deepest: int) -> Issue:
    return Issue(path, f"Nested more than {deepest} levels deep", "too_deep")


def _children(value: Any) -> "Iterator[tuple[str | int, Any]]":
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _deep_places(value: Any, path: Path, deepest: int) -> Iterator[Issue]:
    if isinstance(value, dict | list):
        if len(path) >= deepest:
            yield _too_deep(path, deepest)
            return
        for key, child in _children(value):
            yield from _deep_places(child, (*path, key), deepest)


def _nul_places(value: Any, path: Path) -> Iterator[Issue]:
    if isinstance(value, str) and "\0" in value:
        yield Issue(path, "Must not contain NUL characters", "nul_character")
    for key, child in _children(value):
        if isinstance(key, str) and "\0" in key:
            yield Issue(path, "Must not contain keys with NUL characters", "nul_character")
        yield from _nul_places(child, (*path, key))


def _odd_numbers(text: str) -> Iterator[Issue]:
    for token in _STRING_OR_NUMBER.finditer(text):
        number, exponent = token[0], token[1]
        if number.startswith('"'):
            continue
        too_fine = exponent is not None and (len(exponent) > 6 or int(exponent) < _SMALLEST_EXPONENT)
        if len(number) > _LONGEST_NUMBER or too_fine or math.isinf(float(number)):
            shown = number if len(number) <= 40 else number[:37] + "..."
            yield Issue((), f"The number {shown} cannot be stored", "number_out_of_range")
