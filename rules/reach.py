"""How far a rule reaches: the event types and sources it can look at, for whoever has to fetch its events."""

from dataclasses import dataclass
from functools import lru_cache

from rules.conditions import Composite, Sequence
from rules.filters import Filters
from rules.rule import Rule


@dataclass(frozen=True)
class Reach:
    """Every event a rule looks at has one of these types and one of these sources; None stands for all."""

    event_types: tuple[str, ...] | None
    sources: tuple[str, ...] | None


@lru_cache(maxsize=10_000)
def reach(rule: Rule) -> Reach:
    """The reach of a rule; a composite reaches as far as all its members together."""
    filters = _filters(rule)
    return Reach(
        _either([each.event_type for each in filters]),
        _either([each.source for each in filters]),
    )


def lists_groups(rule: Rule) -> bool:
    """Whether a rule, or a member of it, knows its groups beforehand: its first event of any group then begins them
    all."""
    return bool(rule.known_groups) or any(map(lists_groups, rule.members))


def _filters(rule: Rule) -> list[Filters]:
    if isinstance(rule.condition, Composite):
        return [each for member in rule.members for each in _filters(member)]
    if isinstance(rule.condition, Sequence):
        return [step.filters for step in rule.condition.steps]
    return [rule.condition.filters]


def _either(wanted: list[tuple[str, ...]]) -> tuple[str, ...] | None:
    if not wanted or not all(wanted):
        return None
    return tuple(sorted({name for names in wanted for name in names}))
