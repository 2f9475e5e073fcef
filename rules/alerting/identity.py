"""The ids of alerts: the same alert gets the same id wherever it is found."""

from hashlib import sha1
from uuid import UUID


def alert_id(rule_id: UUID, group: str, first_anomaly_id: str, again: int | None = None) -> str:
    """UUID5 in the namespace of the rule's id over the group and the first anomaly. `again` tells alerts apart that
    began with the same anomaly: the first was taken from it, or resolved by a person."""
    name = f"alert\n{group}\n{first_anomaly_id}" + ("" if again is None else f"\n{again}")
    return str(UUID(bytes=sha1(rule_id.bytes + name.encode(), usedforsecurity=False).digest()[:16], version=5))
