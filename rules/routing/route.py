"""The decisions in the order in which an intent meets them, from its channel to its group."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from rules.routing.alert import RoutedAlert
from rules.routing.channel import ChannelPlan
from rules.routing.grouping import group_of
from rules.routing.inhibition import Inhibition, not_inhibited
from rules.routing.intent import Intent
from rules.routing.matching import NO_CHANNEL, is_for
from rules.routing.origin import may_notify
from rules.routing.shadow import is_live
from rules.routing.silence import Silence, not_silenced
from rules.routing.verdict import Verdict, goes_on, held


@dataclass(frozen=True)
class Situation:
    """What decisions are made in. `firing` are the alerts that may inhibit others."""

    channels: Sequence[ChannelPlan]
    silences: Sequence[Silence]
    inhibitions: Sequence[Inhibition]
    firing: Sequence[RoutedAlert]
    now: datetime


@dataclass(frozen=True)
class Fate:
    """What becomes of an intent on one channel: gathered in `group`, or held with a reason. No channel: nobody's."""

    intent: Intent
    channel: ChannelPlan | None
    verdict: Verdict
    group: str | None = None


def route(intent: Intent, situation: Situation) -> Iterator[Fate]:
    """The fates of an intent: one for each channel that is for it, or a single one where none is."""
    taken = False
    for channel in situation.channels:
        if not is_for(channel, intent.alert).goes_on:
            continue
        taken = True
        verdict = judge(intent, channel, situation)
        yield Fate(intent, channel, verdict, group_of(channel, intent.alert) if verdict.goes_on else None)
    if not taken:
        yield Fate(intent, None, NO_CHANNEL)


def judge(intent: Intent, channel: ChannelPlan, situation: Situation) -> Verdict:
    """Whether an intent that a channel is for may be told there now: every decision between matching and grouping."""
    for verdict in (
        _is_told_of(intent, channel),
        is_live(intent.alert),
        may_notify(intent.origin, asked=intent.asked),
    ):
        if not verdict.goes_on:
            return verdict
    return not_muted(intent.alert, situation)


def look_again(intent: Intent, channel: ChannelPlan, situation: Situation) -> Fate:
    """The fate of an intent that was held for a while. What was acknowledged or is over by now is held for good."""
    verdict = judge(intent, channel, situation)
    if intent.what == "opened" and intent.alert.state != "open":
        verdict = held("held until it was over" if not intent.alert.fires else "held until it was acknowledged")
    return Fate(intent, channel, verdict, group_of(channel, intent.alert) if verdict.goes_on else None)


def not_muted(alert: RoutedAlert, situation: Situation) -> Verdict:
    """Whether neither another alert nor a silence mutes this one now."""
    verdict = not_inhibited(alert, situation.inhibitions, situation.firing, situation.now)
    return verdict if not verdict.goes_on else not_silenced(alert, situation.silences, situation.now)


def _is_told_of(intent: Intent, channel: ChannelPlan) -> Verdict:
    if intent.what == "acknowledged":
        return held("acknowledged: reminders stop, and nothing is sent")
    if intent.what == "resolved" and not channel.send_resolved:
        return held("the channel does not send resolved")
    return goes_on("told of")
