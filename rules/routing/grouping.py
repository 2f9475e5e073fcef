"""Sixth: alerts that belong together travel in one message, which waits a little for the others."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from rules.routing.alert import RoutedAlert
from rules.routing.channel import ChannelPlan


@dataclass(frozen=True)
class Gathering:
    """The message an alert travels in: its group on the channel, as JSON text, and when it is due."""

    group: str
    due_at: datetime
    reason: str


def group_of(channel: ChannelPlan, alert: RoutedAlert) -> str:
    """The group of an alert on a channel: what it means by each of the channel's paths. Equal texts are one group."""
    return msgspec.json.encode({path: alert.value_of(path) for path in channel.group_by}).decode()


def gather(channel: ChannelPlan, group: str, *, last_sent_at: datetime | None, now: datetime) -> Gathering:
    """When the next message of a group is due: after the group wait, and not before the group interval has passed
    since the last one."""
    due, why = now + channel.group_wait, "grouped: waits for others of its group"
    if last_sent_at is not None and last_sent_at + channel.group_interval > due:
        due, why = last_sent_at + channel.group_interval, "grouped: its group was told something a moment ago"
    return Gathering(group, due, why if due > now else "due now")
