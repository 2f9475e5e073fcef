"""The relations of a value to a limit, on numbers and on expressions alike, and how a person says them."""

import operator
from collections.abc import Callable
from typing import Any

from rules.kinds.wording import number

RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_WORDS = {
    ">": "more than",
    ">=": "at least",
    "<": "less than",
    "<=": "at most",
    "==": "exactly",
    "!=": "anything but",
}


def limit_in_words(relation: str, value: float) -> str:
    """`more than 5`"""
    return f"{_WORDS[relation]} {number(value)}"
