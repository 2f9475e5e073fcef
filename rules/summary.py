"""The summary of a rule: its own sentence for an anomaly, with places for what was found.

`{value} failed logins from {group[payload.ip]}` — what can stand in the places is listed below.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from string import Formatter

from rules.paths import PathFault, normal_path

#: What can stand in a place of a summary, and what it shows.
PLACES = {
    "value": "what was measured",
    "threshold": "what it was held against",
    "expected": "what was expected, in words",
    "count": "how many events contributed",
    "rule": "the rule's name",
    "severity": "the rule's severity",
    "window_seconds": "the rule's window",
    "occurred_at": "when it happened",
    "event_id": "the event that triggered it",
    "message": "the sentence that would stand here without a summary",
    "group": "all values of the group; group[payload.ip] shows one of them",
}


class SummaryFault(ValueError):
    """A summary with a place that nothing can fill."""


@dataclass(frozen=True)
class Part:
    """A piece of a summary: text as it stands, or the name of a place, with a path where it is one of the group."""

    text: str = ""
    place: str | None = None
    path: str | None = None


@lru_cache(maxsize=1024)
def read_summary(summary: str, group_by: tuple[str, ...]) -> tuple[Part, ...]:
    """The pieces of a summary. Raises SummaryFault, which says what can stand there."""
    parts = []
    try:
        for text, name, form, conversion in Formatter().parse(summary):
            if text:
                parts.append(Part(text))
            if name is None:
                continue
            if form or conversion:
                raise SummaryFault(f"A place of a summary is a name alone: write {{{name}}}.")
            parts.append(_place(name, group_by))
    except SummaryFault:
        raise
    except ValueError as fault:
        raise SummaryFault(
            "A brace of the summary is not closed; write {{ for a brace that stands for itself."
        ) from fault
    return tuple(parts)


def _place(name: str, group_by: tuple[str, ...]) -> Part:
    if name in PLACES:
        return Part(place=name)
    if name.startswith("group[") and name.endswith("]"):
        written = name[len("group[") : -1]
        try:
            path = normal_path(written)
        except PathFault:
            path = written
        if path in group_by:
            return Part(place="group", path=path)
        possible = ", ".join(f"{{group[{path}]}}" for path in group_by) or "no group, as the rule has no group_by"
        raise SummaryFault(f"{{{name}}} is not what the rule is grouped by; there is {possible}.")
    close = get_close_matches(name, PLACES, n=1)
    hint = f" Did you mean {{{close[0]}}}?" if close else ""
    raise SummaryFault(f"{{{name}}} is nothing a summary can show; there are {', '.join(PLACES)}.{hint}")
