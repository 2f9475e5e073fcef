"""An alert as routing sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class RoutedAlert:
    """What decides where an alert goes. `group` has JSON values by path, `labels` texts by name."""

    alert_id: UUID
    rule_id: UUID
    rule_name: str
    severity: str
    origin: str
    state: str
    mode: str
    labels: Mapping[str, str]
    group: Mapping[str, Any]

    @property
    def fires(self) -> bool:
        """Whether its condition is not known to have ended and nobody resolved it."""
        return self.state != "resolved"

    def value_of(self, path: str) -> str | None:
        """What a path such as `severity`, `rule`, `labels.team` or `group.payload.ip` means here; None: it has none."""
        if path == "severity":
            return self.severity
        if path == "rule":
            return self.rule_name
        if path == "origin":
            return self.origin
        kind, _, name = path.partition(".")
        found = self.labels if kind == "labels" else self.group
        return as_text(found[name]) if name in found else None


def as_text(value: object) -> str:
    """A value of a group as people write it in a matcher: text as it is, everything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)
