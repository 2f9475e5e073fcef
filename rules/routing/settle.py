"""When a gathered message is due: what it still has to say, as things are now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from rules.routing.alert import RoutedAlert
from rules.routing.channel import ChannelPlan
from rules.routing.intent import Intent
from rules.routing.repeat import still_worth_a_reminder
from rules.routing.route import Situation, judge, not_muted
from rules.routing.verdict import Verdict, held

#: A resolution waits so long for its opening that is still being tried.
WAIT_FOR_OPENING = timedelta(seconds=10)


class Opening(StrEnum):
    """What became of the news, on one channel, that an alert had opened."""

    SENT = "sent"
    UNDERWAY = "underway"
    UNSENT = "unsent"


@dataclass
class Settled:
    """What a due message says: these alerts fire (or fired, and are over already), those are resolved. Every other
    intent is held, by its reason. Each outbox id stands in exactly one of them."""

    firing: dict[UUID, RoutedAlert] = field(default_factory=dict)
    resolved: dict[UUID, RoutedAlert] = field(default_factory=dict)
    outbox_ids: list[int] = field(default_factory=list)
    held: list[tuple[Intent, Verdict]] = field(default_factory=list)

    @property
    def says_something(self) -> bool:
        """Whether there is anything to send."""
        return bool(self.firing or self.resolved)


def settle(
    intents: Iterable[Intent], channel: ChannelPlan, situation: Situation, openings: Mapping[UUID, Opening]
) -> Settled:
    """Decide for each intent of a due message. `openings` says of alerts what became of their earlier opening."""
    settled = Settled()
    resolutions: list[Intent] = []
    for intent in intents:
        verdict = judge(intent, channel, situation)
        if not verdict.goes_on:
            settled.held.append((intent, _over_meanwhile(intent, verdict)))
        elif intent.what == "resolved":
            resolutions.append(intent)
        elif intent.alert.state == "acknowledged":
            settled.held.append((intent, held("acknowledged before it was due")))
        else:
            settled.firing[intent.alert.alert_id] = intent.alert
            settled.outbox_ids.append(intent.outbox_id)
    for intent in resolutions:
        _settle_resolution(intent, settled, openings, situation.now)
    return settled


def settle_reminder(alerts: Iterable[RoutedAlert], situation: Situation) -> tuple[list[RoutedAlert], Verdict]:
    """The alerts a due reminder is still about; where there are none, why not, and when to look again."""
    still: list[RoutedAlert] = []
    last = held("no reminder: its alerts are gone")
    for alert in alerts:
        verdict = still_worth_a_reminder(alert.state)
        verdict = not_muted(alert, situation) if verdict.goes_on else verdict
        if verdict.goes_on:
            still.append(alert)
        elif verdict.look_again_at is not None or last.look_again_at is None:
            last = verdict
    return still, last


def _settle_resolution(intent: Intent, settled: Settled, openings: Mapping[UUID, Opening], now: datetime) -> None:
    alert_id = intent.alert.alert_id
    opening = openings.get(alert_id, Opening.UNSENT)
    if alert_id in settled.firing:  # one message says that it began and that it is over
        settled.outbox_ids.append(intent.outbox_id)
    elif opening is Opening.SENT:
        settled.resolved[alert_id] = intent.alert
        settled.outbox_ids.append(intent.outbox_id)
    elif opening is Opening.UNDERWAY:
        settled.held.append(
            (intent, held("waits until its opening has been sent", look_again_at=now + WAIT_FOR_OPENING))
        )
    else:
        settled.held.append((intent, held("its opening was not sent here")))


def _over_meanwhile(intent: Intent, verdict: Verdict) -> Verdict:
    """What is over need not be looked at again when the silence ends."""
    if intent.what == "opened" and not intent.alert.fires:
        return held(f"{verdict.reason}; over meanwhile")
    return verdict
