"""Routing's nouns out of rows of the database, or whatever else has their names."""

from collections.abc import Mapping
from typing import Any

from rules.routing.alert import RoutedAlert
from rules.routing.channel import ChannelPlan, read_channel_plan
from rules.routing.inhibition import Inhibition
from rules.routing.matcher import read_matcher
from rules.routing.silence import Silence


def alert_of(row: Mapping[str, Any]) -> RoutedAlert:
    """An alert."""
    names = ("alert_id", "rule_id", "rule_name", "severity", "origin", "state", "mode", "labels", "group")
    return RoutedAlert(**{name: row[name] for name in names})


def channel_of(row: Mapping[str, Any]) -> ChannelPlan:
    """A channel's plan. Raises EventPulseError where it can't be read, which storing it rules out."""
    return read_channel_plan({**row["plan"], "name": row["name"], "enabled": row["enabled"]}, row["channel_id"])


def silence_of(row: Mapping[str, Any]) -> Silence:
    """A silence."""
    return Silence(
        silence_id=row["silence_id"],
        matcher=read_matcher(row["matcher"]),
        owner=row["owner"],
        reason=row["reason"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
    )


def inhibition_of(row: Mapping[str, Any]) -> Inhibition:
    """An inhibition."""
    return Inhibition(
        inhibition_id=row["inhibition_id"],
        source=read_matcher(row["source"], at="source"),
        target=read_matcher(row["target"], at="target"),
        equal=tuple(row["equal"]),
    )
