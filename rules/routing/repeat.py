"""Eighth: whoever does not answer is reminded, until somebody acknowledges or it is over."""

from datetime import datetime

from rules.routing.channel import ChannelPlan
from rules.routing.verdict import Verdict, goes_on, held


def next_reminder(channel: ChannelPlan, sent_at: datetime) -> datetime | None:
    """When a group that was just told of is told of again; None where the channel does not repeat."""
    return sent_at + channel.repeat_interval if channel.repeat_interval else None


def still_worth_a_reminder(state: str) -> Verdict:
    """Whether an alert in this state is to be reminded of."""
    if state == "open":
        return goes_on("still open, and nobody has acknowledged it")
    return held("no reminder: it is acknowledged" if state == "acknowledged" else "no reminder: it is over")
