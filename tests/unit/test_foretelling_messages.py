"""What channels would have been given of alerts that open one after the other."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from rules.routing.alert import RoutedAlert
from rules.routing.channel import read_channel_plan
from rules.routing.foretell import Foretelling

MONDAY = datetime(2026, 1, 26, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def foretell(channel: Mapping[str, Any], opened: list[int], **of_alert: Any) -> tuple[int, int, int]:
    """Alerts and messages of one channel, and alerts for nobody; alerts open so many seconds after Monday noon."""
    plan = {"name": "pager", "group_wait_seconds": 0, "group_interval_seconds": 0, "max_per_minute": 600, **channel}
    foretelling = Foretelling([read_channel_plan(plan, UUID(int=1))])
    for number, at in enumerate(opened):
        facts = {"severity": "critical", "mode": "live", "group": {"payload.ip": f"10.0.0.{number}"}, **of_alert}
        alert = RoutedAlert(UUID(int=number), UUID(int=7), "many", origin="live", state="open", labels={}, **facts)
        foretelling.opened(alert, MONDAY + at * SECOND)
    [told] = foretelling.channels
    return told.alerts, told.messages, foretelling.for_nobody


@pytest.mark.parametrize(
    ("channel", "opened", "expected"),
    [
        ({}, [0, 1, 2], (3, 3, 0)),
        ({"group_wait_seconds": 10}, [0, 1, 9, 10], (4, 2, 0)),
        ({"group_interval_seconds": 60}, [0, 1, 30, 59, 60, 121], (6, 4, 0)),
        ({"group_by": ["group.payload.ip"], "group_interval_seconds": 60}, [0, 1, 2], (3, 3, 0)),
        ({"max_per_minute": 2}, [0, 1, 2, 3, 60], (5, 3, 0)),
        ({"matcher": {"severity": "info"}}, [0, 1], (0, 0, 2)),
        ({"enabled": False}, [0, 1], (0, 0, 2)),
    ],
    ids=["each", "group wait", "group interval", "groups", "storm", "matcher", "disabled"],
)
def test_messages_are_grouped_limited_and_matched(
    channel: Mapping[str, Any], opened: list[int], expected: tuple[int, int, int]
) -> None:
    assert foretell(channel, opened) == expected


def test_outside_active_hours_everything_waits_for_one_message_when_they_begin() -> None:
    hours = [{"days": ["tue"], "from": "08:00", "to": "18:00"}]
    assert foretell({"active_hours": hours, "time_zone": "UTC"}, [0, 60, 3600]) == (3, 1, 0)


def test_a_rule_in_shadow_mode_tells_nobody() -> None:
    assert foretell({}, [0], mode="shadow") == (0, 0, 1)
