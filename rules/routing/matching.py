"""First: is the alert for this channel at all?"""

from rules.routing.alert import RoutedAlert
from rules.routing.channel import ChannelPlan
from rules.routing.verdict import Verdict, goes_on, held

NO_CHANNEL = held("no channel matches")


def is_for(channel: ChannelPlan, alert: RoutedAlert) -> Verdict:
    """Whether an enabled channel's matcher takes the alert. What no channel takes is held as NO_CHANNEL."""
    if not channel.enabled:
        return held("the channel is disabled")
    if not channel.matcher.matches(alert):
        return held("the channel's matcher does not match")
    return goes_on("matches the channel")
