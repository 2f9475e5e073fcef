"""What would be sent if alerts opened one after the other: how many messages on each channel.

The channels are as they are now; silences, inhibitions and people who acknowledge are left out: they belong to the
present. Counted are messages that tell of alerts that have opened; reminders and resolutions come on top.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rules.routing.active_hours import inside_hours
from rules.routing.alert import RoutedAlert
from rules.routing.channel import ChannelPlan
from rules.routing.grouping import gather, group_of
from rules.routing.matching import is_for
from rules.routing.shadow import is_live


@dataclass
class Foretold:
    """What one channel would have been given."""

    channel: ChannelPlan
    alerts: int = 0
    messages: int = 0
    #: When the last message of each group is due; alerts that open before that travel in it.
    _due: dict[str, datetime] = field(default_factory=dict)
    _in_minute: Counter[datetime] = field(default_factory=Counter)

    def take(self, alert: RoutedAlert, opened_at: datetime) -> None:
        """One more alert that is for this channel; in the order in which they open."""
        self.alerts += 1
        group = group_of(self.channel, alert)
        due = self._due.get(group)
        if due is not None and opened_at < due:
            return
        self._due[group] = due = self._open_at(gather(self.channel, group, last_sent_at=due, now=opened_at).due_at)
        minute = due.replace(second=0, microsecond=0)
        self._in_minute[minute] += 1
        # More than a channel takes in a minute becomes one summary.
        if self._in_minute[minute] <= self.channel.max_per_minute:
            self.messages += 1

    def _open_at(self, due: datetime) -> datetime:
        opens = inside_hours(self.channel.hours, due).look_again_at
        return due if opens is None else opens


class Foretelling:
    """Every channel, and the alerts that none of them would have been given."""

    def __init__(self, channels: Sequence[ChannelPlan]) -> None:
        self.channels = [Foretold(channel) for channel in channels]
        #: Alerts that no channel would have been given: none takes them, or their rule is in the shadow.
        self.for_nobody = 0

    @property
    def messages(self) -> int:
        """How many messages would have gone out over all channels."""
        return sum(each.messages for each in self.channels)

    def opened(self, alert: RoutedAlert, at: datetime) -> None:
        """One more alert opens."""
        if not is_live(alert).goes_on:
            self.for_nobody += 1
            return
        taken = [each for each in self.channels if is_for(each.channel, alert).goes_on]
        for each in taken:
            each.take(alert, at)
        self.for_nobody += not taken
