"""Predicates in a form that can be generated, written as SQL, and judged by plain Python, slowly but plainly.

A node is a tuple: its kind, then its parts. A row maps a path to its value, as JSON would hold it.
"""

import ipaddress
import re
from typing import Any

from hypothesis import strategies as st

Node = tuple[Any, ...]
Row = dict[str, Any]

PATTERNS = ("a%", "%b", "_", "%", "a_b", "\\%%", "")
EXPRESSIONS = ("^a", "b$", "[ab]+", "(?i)A", ".")
NETWORKS = ("10.0.0.0/8", "192.168.1.0/24", "2001:db8::/32", "0.0.0.0/0", "10.0.0.1")
NUMBERS = st.integers(-5, 5) | st.sampled_from([0.5, 2.5, -1.5])
TEXTS = st.sampled_from(["", "a", "b", "ab", "A", "a%b", "10.0.0.1", "2001:db8::1", "x'y", "é"])


def as_sql(node: Node) -> str:
    """The predicate as a person would write it, with brackets around everything."""
    kind, *parts = node
    if kind == "path":
        return str(parts[0])
    if kind == "number":
        return f"({parts[0]})" if parts[0] < 0 else str(parts[0])
    if kind == "text":
        return _quoted(parts[0])
    if kind in ("and", "or", "=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/"):
        return f"({as_sql(parts[0])} {kind} {as_sql(parts[1])})"
    if kind == "not":
        return f"(not {as_sql(parts[0])})"
    if kind in ("is null", "is not null"):
        return f"({as_sql(parts[0])} {kind})"
    if kind in ("in", "not in"):
        return f"({as_sql(parts[0])} {kind} ({', '.join(map(as_sql, parts[1]))}))"
    if kind == "between":
        return f"({as_sql(parts[0])} between {as_sql(parts[1])} and {as_sql(parts[2])})"
    if kind in ("like", "not like", "ilike"):
        return f"({as_sql(parts[0])} {kind} {_quoted(parts[1])})"
    if kind == "regexp_like":
        return f"regexp_like({as_sql(parts[0])}, {_quoted(parts[1])})"
    if kind == "cidr_contains":
        return f"cidr_contains({_quoted(parts[1])}, {as_sql(parts[0])})"
    return f"{kind}({', '.join(map(as_sql, parts))})"


def holds(node: Node, row: Row) -> bool | None:
    """Whether the predicate holds for the row: True, False, or None where SQL does not know."""
    kind, *parts = node
    if kind == "and":
        left, right = holds(parts[0], row), holds(parts[1], row)
        return False if left is False or right is False else None if left is None or right is None else True
    if kind == "or":
        left, right = holds(parts[0], row), holds(parts[1], row)
        return True if left is True or right is True else None if left is None or right is None else False
    if kind == "not":
        return _not(holds(parts[0], row))
    if kind in ("=", "<>", "<", "<=", ">", ">="):
        return _compare(kind, value(parts[0], row), value(parts[1], row))
    if kind in ("is null", "is not null"):
        return (value(parts[0], row) is None) == (kind == "is null")
    if kind in ("in", "not in"):
        answers = [_compare("=", value(parts[0], row), value(option, row)) for option in parts[1]]
        found = True if True in answers else None if None in answers else False
        return found if kind == "in" else _not(found)
    if kind == "between":
        tested, low, high = (value(part, row) for part in parts)
        above, below = _compare(">=", tested, low), _compare("<=", tested, high)
        return False if above is False or below is False else None if above is None or below is None else True
    text = value(parts[0], row)
    if not isinstance(text, str):
        return None
    if kind in ("like", "not like", "ilike"):
        found = re.fullmatch(_like(parts[1]), text, re.S | (re.I if kind == "ilike" else 0)) is not None
        return not found if kind == "not like" else found
    if kind == "regexp_like":
        return re.search(parts[1], text) is not None
    if kind == "cidr_contains":
        try:
            return ipaddress.ip_address(text) in ipaddress.ip_network(parts[1])
        except ValueError:
            return None
    raise AssertionError(kind)


def value(node: Node, row: Row) -> Any:
    """The value of a part; None where there is none."""
    kind, *parts = node
    if kind == "path":
        return row.get(parts[0])
    if kind in ("number", "text"):
        return parts[0]
    if kind == "coalesce":
        return next((found for part in parts if (found := value(part, row)) is not None), None)
    if kind in ("lower", "upper", "length"):
        text = value(parts[0], row)
        return {"lower": str.lower, "upper": str.upper, "length": len}[kind](text) if isinstance(text, str) else None
    numbers = [value(part, row) for part in parts]
    if any(_type(number) != "number" for number in numbers):
        return None
    if kind == "abs":
        return abs(numbers[0])
    left, right = numbers
    if kind == "/":
        return left / right if right else None
    return {"+": left + right, "-": left - right, "*": left * right}[kind]


def _compare(kind: str, left: Any, right: Any) -> bool | None:
    if _type(left) != _type(right) or _type(left) == "other":
        return None
    if _type(left) == "truth" and kind not in ("=", "<>"):
        return None
    return {
        "=": left == right,
        "<>": left != right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
    }[kind]


def _type(found: Any) -> str:
    if isinstance(found, bool):
        return "truth"
    return "number" if isinstance(found, (int, float)) else "text" if isinstance(found, str) else "other"


def _not(truth: bool | None) -> bool | None:
    return None if truth is None else not truth


def _like(pattern: str) -> str:
    parts = re.findall(r"\\.|.", pattern, re.S)
    meaning = {"%": ".*", "_": "."}
    return "".join(meaning.get(part) or re.escape(part[-1]) for part in parts)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def predicates(number_paths: list[str], text_paths: list[str], *, division: bool) -> st.SearchStrategy[Node]:
    """Predicates over paths that may hold numbers and paths that may hold texts, compared as their types allow."""
    number_leaf = st.tuples(st.just("path"), st.sampled_from(number_paths)) | st.tuples(st.just("number"), NUMBERS)
    text_leaf = st.tuples(st.just("path"), st.sampled_from(text_paths)) | st.tuples(st.just("text"), TEXTS)
    text = text_leaf | st.tuples(st.sampled_from(["lower", "upper"]), text_leaf)
    signs = ["+", "-", "*", "/"] if division else ["+", "-", "*"]
    number = st.recursive(
        number_leaf | st.tuples(st.just("length"), text),
        lambda part: st.tuples(st.sampled_from(signs), part, part) | st.tuples(st.just("abs"), part),
        max_leaves=4,
    )
    compare = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
    listed = st.sampled_from(["in", "not in"])
    simple = st.one_of(
        st.tuples(compare, number, number),
        st.tuples(compare, text, text),
        st.tuples(listed, number, st.lists(number, min_size=1, max_size=3)),
        st.tuples(listed, text, st.lists(text, min_size=1, max_size=3)),
        st.tuples(st.just("between"), number, number, number),
        st.tuples(st.just("between"), text, text, text),
        st.tuples(st.sampled_from(["is null", "is not null"]), number | text),
        st.tuples(st.sampled_from(["like", "not like", "ilike"]), text, st.sampled_from(PATTERNS)),
        st.tuples(st.just("regexp_like"), text, st.sampled_from(EXPRESSIONS)),
        st.tuples(compare, st.tuples(st.just("coalesce"), number_leaf, number_leaf), number),
        st.tuples(compare, st.tuples(st.just("coalesce"), text_leaf, text_leaf), text),
    )
    return st.recursive(
        simple,
        lambda part: st.tuples(st.sampled_from(["and", "or"]), part, part) | st.tuples(st.just("not"), part),
        max_leaves=6,
    )


def names_a_path(node: Any) -> bool:
    """Whether the predicate says anything about the row; one that does not is refused."""
    if isinstance(node, tuple) and node[0] == "path":
        return True
    return isinstance(node, (tuple, list)) and any(map(names_a_path, node))
