"""The rules that watch the load, and what they must have found: said once more, as plainly as possible.

The evaluation here looks at stored events alone, all at once, in their order, and shares no code with the product.
"""

import json
from collections import defaultdict, deque
from datetime import datetime, timedelta
from typing import Any

import psycopg

from rules.rule import read_rule
from tests.reference.evaluate import EPOCH, Event, evaluate, microseconds

Found = tuple[str, str, datetime, str, float, int]


def rules_for(tag: str) -> list[dict[str, Any]]:
    """Rules about the load with this tag: counting without groups and in groups, and adding up in groups."""
    login = {"type": "threshold", "metric": "count", "operator": ">", "filters": {"event_type": f"{tag}.login"}}
    paid = {"type": "threshold", "metric": "sum", "field": "payload.amount", "operator": ">"}
    return [
        {
            "name": f"{tag} many logins",
            "severity": "info",
            "window_seconds": 3,
            "cooldown_seconds": 1,
            "condition": {**login, "value": 60},
        },
        {
            "name": f"{tag} many logins of one user",
            "severity": "warning",
            "window_seconds": 2,
            "group_by": ["payload.user"],
            "condition": {**login, "value": 5},
        },
        {
            "name": f"{tag} much money",
            "severity": "critical",
            "window_seconds": 10,
            "cooldown_seconds": 2,
            "group_by": ["source"],
            "condition": {**paid, "value": 60, "filters": {"event_type": [f"{tag}.payment"]}},
        },
    ]


def expected_anomalies(connection: psycopg.Connection, tag: str) -> list[Found]:
    """What the rules find in the events that are stored, evaluated whole."""
    events = connection.execute(
        "select event_id::text, event_type, source, timestamp, position, payload from eventpulse.events"
        " where event_type like %s order by timestamp, position, event_id",
        (f"{tag}.%",),
    ).fetchall()
    many, of_one_user, money = rules_for(tag)
    return sorted([*_counts(many, events), *_counts(of_one_user, events), *_sums(money, events)])


def found_anomalies(connection: psycopg.Connection, tag: str) -> list[Found]:
    """The anomalies that stand."""
    return connection.execute(
        """
        select r.name, a."group"::text, a.occurred_at, a.event_id::text, a.value, a.contributing_count
        from eventpulse.anomalies a join eventpulse.rules r using (rule_id)
        where a.state = 'current' and r.name like %s order by 1, 2, 3, 4
        """,
        (f"{tag} %",),
    ).fetchall()


def _counts(rule: dict[str, Any], events: list[tuple[Any, ...]]) -> list[Found]:
    window, cooldown = timedelta(seconds=rule["window_seconds"]), timedelta(seconds=rule.get("cooldown_seconds", 0))
    seen: dict[str, deque[datetime]] = defaultdict(deque)
    fired: dict[str, datetime] = {}
    found: list[Found] = []
    for event_id, event_type, _, at, _, payload in events:
        if event_type != rule["condition"]["filters"]["event_type"]:
            continue
        values = {"payload.user": payload["user"]} if rule.get("group_by") else {}
        group = json.dumps(values, separators=(",", ":"))
        recent = seen[group]
        recent.append(at)
        while recent[0] <= at - window:
            recent.popleft()
        if len(recent) > rule["condition"]["value"] and (group not in fired or at - fired[group] >= cooldown):
            fired[group] = at
            found.append((rule["name"], group, at, event_id, float(len(recent)), len(recent)))
    return found


def _sums(rule: dict[str, Any], events: list[tuple[Any, ...]]) -> list[Found]:
    wanted = rule["condition"]["filters"]["event_type"]
    plain = [
        Event(event_id, event_type, source, microseconds(at), position, payload)
        for event_id, event_type, source, at, position, payload in events
        if event_type in wanted
    ]
    return [
        (
            rule["name"],
            one.group,
            EPOCH + timedelta(microseconds=one.at),
            one.event_id or "",
            one.value or 0.0,
            one.contributing_count,
        )
        for one in evaluate(read_rule(rule), plain)
    ]
