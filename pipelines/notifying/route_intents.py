"""Route intents to notify: from the outbox, or from what was held for a while, to a message that gathers, or to the
reason why there is none. Everything about an intent is written in one transaction: it stands once for each channel."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from eventpulse.database.notifications import deliveries, outbox
from eventpulse.database.notifications.deliveries import Gathered, Ids
from rules.routing.grouping import gather
from rules.routing.intent import Intent
from rules.routing.route import Fate, Situation, look_again, route
from rules.routing.stored import alert_of, channel_of, inhibition_of, silence_of

AT_ONCE = 1_000
#: So many firing alerts are looked at for inhibitions; where there are more, the newest.
MOST_FIRING = 10_000
Row = dict[str, Any]


def situation_now(connection: psycopg.Connection, channels: Sequence[Row], now: datetime) -> Situation:
    """What decisions are made in now."""
    silences, inhibitions = outbox.muting(connection)
    firing = outbox.firing_alerts(connection, MOST_FIRING) if inhibitions else []
    return Situation(
        channels=[channel_of(row) for row in channels if row["enabled"]],
        silences=[silence_of(row) for row in silences],
        inhibitions=[inhibition_of(row) for row in inhibitions],
        firing=[alert_of(row) for row in firing],
        now=now,
    )


def intent_of(row: Row) -> Intent:
    """An intent with its alert."""
    return Intent(row["outbox_id"], row["what"], row["intent_origin"], row["asked"], alert_of(row))


def route_some(connection: psycopg.Connection, channels: Sequence[Row], now: datetime) -> int:
    """Route the oldest intents of the outbox; says how many they were. Safe to interrupt: all or nothing is written."""
    with connection.transaction():
        rows = outbox.intents_to_route(connection, AT_ONCE)
        if not rows:
            return 0
        situation = situation_now(connection, channels, now)
        fates = [fate for row in rows if row["alert_id"] for fate in route(intent_of(row), situation)]
        _write(connection, fates, channels, now)
        outbox.mark_routed(connection, [row["outbox_id"] for row in rows], now)
    return len(rows)


def look_at_held(connection: psycopg.Connection, channels: Sequence[Row], now: datetime) -> int:
    """Judge again what was held until now: what somebody silenced, or another alert inhibited."""
    with connection.transaction():
        held = deliveries.held_to_look_at(connection, now, most=100)
        if not held:
            return 0
        situation = situation_now(connection, channels, now)
        plans = {plan.channel_id: plan for plan in situation.channels}
        fates: list[Fate] = []
        answered: list[UUID] = []
        for row in held:
            plan = plans.get(row["channel_id"])
            if plan is None:
                deliveries.end_unsent(connection, row["delivery_id"], "held", reason="the channel is disabled")
                continue
            intents = [intent_of(each) for each in outbox.intents_by_id(connection, row["outbox_ids"])]
            fates += [look_again(intent, plan, situation) for intent in intents]
            answered.append(row["delivery_id"])
        deliveries.forget(connection, answered)
        _write(connection, fates, channels, now)
    return len(held)


def _write(connection: psycopg.Connection, fates: Iterable[Fate], channels: Sequence[Row], now: datetime) -> None:
    by_id: dict[UUID, Row] = {row["channel_id"]: row for row in channels}
    held: dict[tuple[UUID | None, str, datetime | None], list[Intent]] = defaultdict(list)
    gathered: dict[UUID, dict[str, list[Intent]]] = defaultdict(lambda: defaultdict(list))
    plans = {}
    for fate in fates:
        channel_id = fate.channel.channel_id if fate.channel else None
        if fate.group is None:
            held[channel_id, fate.verdict.reason, fate.verdict.look_again_at].append(fate.intent)
        elif channel_id is not None:
            plans[channel_id] = fate.channel
            gathered[channel_id][fate.group].append(fate.intent)
    for (channel_id, reason, again), intents in held.items():
        channel = by_id[channel_id] if channel_id else None
        deliveries.hold(connection, channel, ids_of(intents), reason, look_again_at=again)
    for channel_id, groups in gathered.items():
        plan = plans[channel_id]
        assert plan is not None
        told = deliveries.last_sent(connection, channel_id, list(groups))
        messages = []
        for group, intents in sorted(groups.items()):
            when = gather(plan, group, last_sent_at=told.get(group), now=now)
            messages.append(Gathered(group, ids_of(intents), when.due_at, when.reason))
        deliveries.gather(connection, by_id[channel_id], messages)


def ids_of(intents: Sequence[Intent]) -> Ids:
    """The alerts and outbox ids of intents."""
    return Ids([intent.alert.alert_id for intent in intents], [intent.outbox_id for intent in intents])
