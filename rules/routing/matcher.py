"""Which alerts somebody means: the matcher that channels, silences and inhibitions share.

`{"severity": [..], "rule": [..], "labels": {"team": [..]}, "group": {"payload.ip": ["10.0.*"]}, "origin": [..],
"not": {..}}`. A single value stands for a list of one; every key must match; `{}` matches everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventpulse.errors import EventPulseError
from rules.routing.alert import RoutedAlert, as_text
from rules.routing.wildcard import fits

SEVERITIES = ("critical", "warning", "info")
ORIGINS = ("live", "late", "backfill", "rerun", "import")
_KEYS = ("severity", "rule", "labels", "group", "origin", "not")
_MOST_VALUES, _MOST_NAMES, _DEEPEST, _LONGEST = 100, 20, 5, 1_000


class BadMatcher(EventPulseError):
    """A matcher says something that can't be meant; the text names the key and what would do."""


@dataclass(frozen=True)
class Matcher:
    """A matcher that was read. An empty tuple asks nothing."""

    severities: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    group: tuple[tuple[str, tuple[str, ...]], ...] = ()
    origins: tuple[str, ...] = ()
    unless: "Matcher | None" = None

    def matches(self, alert: RoutedAlert) -> bool:
        """Whether the alert is meant."""
        if self.severities and alert.severity not in self.severities:
            return False
        if self.origins and alert.origin not in self.origins:
            return False
        if self.rules and not any(fits(rule, alert.rule_name) or rule == str(alert.rule_id) for rule in self.rules):
            return False
        for wanted, found in ((self.labels, alert.labels), (self.group, alert.group)):
            for name, patterns in wanted:
                if name not in found or not any(fits(pattern, as_text(found[name])) for pattern in patterns):
                    return False
        return self.unless is None or not self.unless.matches(alert)


def read_matcher(document: Any, *, at: str = "matcher", depth: int = 0) -> Matcher:
    """The matcher that a JSON document means. Raises BadMatcher."""
    if not isinstance(document, Mapping):
        raise BadMatcher(f'{at} must be an object such as {{"severity": ["critical"]}}')
    if depth > _DEEPEST:
        raise BadMatcher(f"{at}: `not` is nested more than {_DEEPEST} deep")
    for key in document:
        if key not in _KEYS:
            raise BadMatcher(f"{at}.{key} is not known; there are {', '.join(_KEYS)}")
    return Matcher(
        severities=_words(document.get("severity"), f"{at}.severity", SEVERITIES),
        rules=_values(document.get("rule"), f"{at}.rule"),
        labels=_by_name(document.get("labels"), f"{at}.labels"),
        group=_by_name(document.get("group"), f"{at}.group"),
        origins=_words(document.get("origin"), f"{at}.origin", ORIGINS),
        unless=None if document.get("not") is None else read_matcher(document["not"], at=f"{at}.not", depth=depth + 1),
    )


def _values(given: Any, at: str) -> tuple[str, ...]:
    if given is None:
        return ()
    values = given if isinstance(given, list | tuple) else [given]
    if not values:
        raise BadMatcher(f"{at} is an empty list, which nothing can match; leave the key out to match everything")
    if len(values) > _MOST_VALUES:
        raise BadMatcher(f"{at} has more than {_MOST_VALUES} values; use *")
    for value in values:
        if not isinstance(value, str | int | float | bool | None):
            raise BadMatcher(f"{at} must be a text or a list of texts")
        if isinstance(value, str) and (len(value) > _LONGEST or "\0" in value):
            raise BadMatcher(f"{at} has a text that is too long or holds a NUL character")
    return tuple(as_text(value) for value in values)


def _words(given: Any, at: str, known: tuple[str, ...]) -> tuple[str, ...]:
    values = _values(given, at)
    for value in values:
        if value not in known:
            raise BadMatcher(f"{at} must be of {', '.join(known)}; got {value!r}")
    return values


def _by_name(given: Any, at: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        raise BadMatcher(f'{at} must be an object of lists, such as {{"team": ["security"]}}')
    if len(given) > _MOST_NAMES:
        raise BadMatcher(f"{at} has more than {_MOST_NAMES} names")
    for name, values in given.items():
        if values is None or not name or len(name) > _LONGEST or "\0" in name:
            raise BadMatcher(f"{at}.{name[:40]!r} must be a name with a text or a list of texts")
    return tuple((name, _values(values, f"{at}.{name}")) for name, values in given.items())
