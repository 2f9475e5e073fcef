"""One module for each condition type, found by its name here."""

from rules.kinds import absence, change, composite, deviation, match, new_value, sequence, threshold, transition
from rules.kinds.kind import Kind

KINDS: dict[str, Kind] = {
    "match": match,
    "threshold": threshold,
    "change": change,
    "absence": absence,
    "deviation": deviation,
    "new_value": new_value,
    "sequence": sequence,
    "transition": transition,
    "composite": composite,
}
