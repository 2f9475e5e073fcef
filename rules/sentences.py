"""Turn what the validation found into sentences for people: where, what was found, and what would do."""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from rules.faults import RuleIssue

_CODES = {
    "missing": "missing",
    "unexpected_keyword_argument": "unknown_key",
    "union_tag_invalid": "not_one_of",
    "literal_error": "not_one_of",
    "string_pattern_mismatch": "not_one_of",
    "string_too_short": "too_small",
    "too_short": "too_small",
    "greater_than": "too_small",
    "greater_than_equal": "too_small",
    "string_too_long": "too_large",
    "too_long": "too_large",
    "less_than_equal": "too_large",
}
OWN_SENTENCE = ("path", "predicate", "expression", "scalar", "repeated")


class Sentences:
    """Knows the parts of a document, so that it can say what would do in each place."""

    def __init__(self, parts: Iterable[type], types: Iterable[str]) -> None:
        self.types = tuple(types)
        self.wanted: dict[str, str] = {}
        self.keys: dict[str, tuple[str, ...]] = {}
        for part in parts:
            fields: dict[str, FieldInfo] = part.__pydantic_fields__  # type: ignore[attr-defined]
            self.keys[part.__name__] = tuple(info.alias or name for name, info in fields.items())
            for name, info in fields.items():
                if (description := _description(info)) is not None:
                    self.wanted.setdefault(info.alias or name, description)

    def issues(self, fault: ValidationError, document: Mapping[str, Any]) -> Iterator[RuleIssue]:
        """One issue for each thing that is wrong."""
        seen = set()
        for error in fault.errors(include_url=False):
            issue = self._issue(error, document)
            if issue.path not in seen or issue.code == "unknown_key":
                seen.add(issue.path)
                yield issue

    def _issue(self, error: Any, document: Mapping[str, Any]) -> RuleIssue:
        kind, found = error["type"], error["input"]
        path = _place(error["loc"], document, self.types)
        context = error.get("ctx", {})
        if kind in ("union_tag_invalid", "union_tag_not_found"):
            path = (*path, "type")
            if kind == "union_tag_not_found" or not isinstance(found, Mapping):
                return RuleIssue(path, f"A condition needs a type: give one of {_listed(self.types)}.", "missing")
            return RuleIssue(path, self._not_one_of("type", found.get("type"), self.types), "not_one_of")
        keys = [part for part in path if isinstance(part, str)]
        key = next((part for part in reversed(keys) if part in self.wanted), keys[-1] if keys else "")
        code = _CODES.get(kind, kind if kind in OWN_SENTENCE else "wrong_type")
        if kind in OWN_SENTENCE:
            return RuleIssue(path, context.get("sentence") or error["msg"], code, context.get("column"))
        if code == "missing":
            return RuleIssue(path, f'"{key}" is missing: give {self.wanted.get(key, "it")}.', code)
        if code == "unknown_key":
            return RuleIssue(path, self._unknown_key(keys[-1], error["loc"]), code)
        if kind == "literal_error":
            options = [option.strip("'") for option in context["expected"].replace(" or ", ", ").split(", ")]
            return RuleIssue(path, self._not_one_of(key, found, options), code)
        wanted = self.wanted.get(key, "something else")
        return RuleIssue(path, f"{key or 'A rule'} must be {wanted}, got {shown(found)}.", code)

    def _not_one_of(self, key: str, found: object, options: Iterable[str]) -> str:
        options = tuple(options)
        return f"{key} must be one of {_listed(options)}, got {shown(found)}.{did_you_mean(found, options)}"

    def _unknown_key(self, key: str, place: tuple[int | str, ...]) -> str:
        owner = self._owner(place)
        keys = self.keys[owner]
        hint = did_you_mean(key, keys) or f" Possible here: {_listed(keys)}."
        return f'There is no "{key}" here.{hint}'

    def _owner(self, place: tuple[int | str, ...]) -> str:
        """Which part of the document the last key of the place stood in."""
        above = [part for part in place[:-1] if isinstance(part, str)]
        if not above:
            return "RuleDocument"
        known = {"filters": "Filters", "numerator": "Filters", "steps": "Step", "tests": "Trial", "expect": "Expected",
                 "events": "TrialEvents"}  # fmt: skip
        if above[-1] in known:
            return known[above[-1]]
        return "".join(word.capitalize() for word in above[-1].split("_"))


def _description(info: FieldInfo) -> str | None:
    """The description of a field; for `Path | None` it stands inside, at the Path."""
    inside = (part for option in get_args(info.annotation) for part in getattr(option, "__metadata__", ()))
    return info.description or next((part.description for part in inside if isinstance(part, FieldInfo)), None)


def did_you_mean(found: object, options: Iterable[str]) -> str:
    """A hint, with a space before it, or nothing."""
    close = difflib.get_close_matches(str(found), list(options), n=1, cutoff=0.6)
    return f' Did you mean "{close[0]}"?' if close else ""


def shown(value: object) -> str:
    """A value as it stands in the document, cut where it is long."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        text = str(type(value).__name__)
    return text if len(text) <= 60 else text[:57] + "..."


def _place(place: tuple[int | str, ...], document: Any, types: tuple[str, ...]) -> tuple[int | str, ...]:
    """The place in the document, without the names of types and lists that only the validation sees."""
    if len(place) > 1 and place[0] == "condition" and place[1] in types:
        place = ("condition", *place[2:])
    found: list[int | str] = []
    for part in place:
        if isinstance(part, int) and not isinstance(document, (list, tuple)):
            break
        found.append(part)
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            document = None
    return tuple(found)


def _listed(options: Iterable[str]) -> str:
    *before, last = options
    return f"{', '.join(before)} and {last}" if before else last
