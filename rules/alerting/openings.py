"""Which alerts open as a rule walks through history in order: nothing comes late, and no person resolves any."""

from collections.abc import Set
from datetime import datetime, timedelta

from rules.alerting.spans import Spans, quiet
from rules.rule import Rule
from rules.window import EPOCH


class Openings:
    """The alerts of one rule, slice after slice."""

    def __init__(self, rule: Rule) -> None:
        self._at_instants = quiet(rule) is not None
        #: When the last alert of a group is over, if nothing more comes; None stands for never. Microseconds.
        self._ends: dict[str, int | None] = {}

    @property
    def going_on(self) -> Set[str]:
        """The groups whose spans have to be told, since an alert of theirs may go on."""
        return self._ends.keys()

    def follow(self, told: Spans, through: int) -> list[tuple[datetime, str]]:
        """The alerts that open in a slice, in their order: when, and the group. `through` is the slice's end."""
        looked_at, members = told.looked_at, told.members
        since = dict(looked_at.select("group", looked_at["since"].to_physical()).iter_rows())
        first: dict[tuple[str, int], int] = {}
        for group, number, at in members.select("group", "number", members["occurred_at"].to_physical()).iter_rows():
            first[group, number] = min(at, first.get((group, number), at))
        opened = []
        for group, number, start, end, began_before in told.spans.sort("group", "number").iter_rows():
            goes_on = group in self._ends and self._stands(group, since[group] if began_before else start, began_before)
            if goes_on:
                self._ends[group] = end
            elif (at := first.get((group, number))) is not None:
                self._ends[group] = end
                opened.append((EPOCH + timedelta(microseconds=at), group))
        self._ends = {group: end for group, end in self._ends.items() if end is None or end >= through}
        return sorted(opened)

    def _stands(self, group: str, at: int, began_before: bool) -> bool:
        """Whether a group's last alert has not ended by an instant. A condition that lasts has ended before it begins
        anew; one that is true at instants goes on where they follow closely."""
        end = self._ends[group]
        return (self._at_instants or began_before) and (end is None or end >= at)
