"""Alerts, channels and intents for tests of routing; each test names only what matters to it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from rules.routing.alert import RoutedAlert
from rules.routing.channel import ChannelPlan, read_channel_plan
from rules.routing.intent import Intent, What
from rules.routing.matcher import read_matcher
from rules.routing.route import Situation
from rules.routing.silence import Silence

NOW = datetime(2026, 1, 30, 12, 0, tzinfo=UTC)  # a Friday
RULE = UUID(int=7)


def an_alert(number: int = 1, **changes: Any) -> RoutedAlert:
    fields: dict[str, Any] = {
        "alert_id": uuid5(RULE, str(number)),
        "rule_id": RULE,
        "rule_name": "ssh brute force",
        "severity": "critical",
        "origin": "live",
        "state": "open",
        "mode": "live",
        "labels": {"team": "security"},
        "group": {"payload.ip": "10.0.0.1"},
    }
    return RoutedAlert(**{**fields, **changes})


def a_channel(number: int = 1, **document: Any) -> ChannelPlan:
    return read_channel_plan({"name": f"channel {number}", **document}, UUID(int=number))


def an_intent(alert: RoutedAlert, what: What = "opened", outbox_id: int = 1, **changes: Any) -> Intent:
    return Intent(
        **{"outbox_id": outbox_id, "what": what, "origin": alert.origin, "asked": False, "alert": alert} | changes
    )


def a_silence(matcher: Any, *, hours: float = 1, starts: datetime = NOW) -> Silence:
    ends = starts + timedelta(hours=hours)
    return Silence(UUID(int=abs(int(hours * 100))), read_matcher(matcher), "ada", "maintenance", starts, ends)


def a_situation(*channels: ChannelPlan, **changes: Any) -> Situation:
    fields: dict[str, Any] = {"channels": channels, "silences": (), "inhibitions": (), "firing": (), "now": NOW}
    return Situation(**{**fields, **changes})
