"""One module for each condition type, found by its name here."""

from rules.kinds import threshold
from rules.kinds.kind import Kind

KINDS: dict[str, Kind] = {"threshold": threshold}
