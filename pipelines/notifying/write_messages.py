"""Write the message that is due: settle what it still has to say, and commit that it is being sent before it is."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from eventpulse.database.notifications import deliveries, outbox
from eventpulse.message import Message, UnreadableMessage, encode_message, read_message
from pipelines.notifying.route_intents import ids_of, intent_of, situation_now
from rules.routing.channel import ChannelPlan
from rules.routing.compose import AlertTold, compose
from rules.routing.intent import Intent
from rules.routing.route import Situation
from rules.routing.settle import Opening, settle, settle_reminder
from rules.routing.stored import alert_of
from rules.routing.storm_limit import Form
from rules.routing.verdict import Verdict

Row = dict[str, Any]
_TOLD = tuple(AlertTold.__dataclass_fields__)


@dataclass(frozen=True)
class Outgoing:
    """A message that is committed as being sent."""

    delivery_id: UUID
    message: Message
    attempts: int
    first_due_at: datetime
    group_key: str


@dataclass
class _Said:
    """What one or several gathered messages say together."""

    firing: dict[UUID, Row]
    resolved: dict[UUID, Row]
    outbox_ids: list[int]
    rows: list[Row]


def write_next(
    connection: psycopg.Connection, channel: Row, plan: ChannelPlan, form: Form, *, page: str, now: datetime
) -> Outgoing | None:
    """The next message of a channel, of one gathering or of all as a digest; None where there is nothing to say.

    1. what is due is settled, 2. what is not said is held with its reason, 3. the message is written down as being
    sent; all in one transaction, and nothing has been sent yet.
    """
    with connection.transaction():
        oldest = deliveries.oldest_due(connection, plan.channel_id, now)
        if oldest is None:
            return None
        if oldest["message"] is not None:
            try:
                message = read_message(oldest["message"])
            except UnreadableMessage as fault:
                reason = "failed: its message cannot be read any more"
                deliveries.end_unsent(connection, oldest["delivery_id"], "failed", reason=reason, error=str(fault))
                return None
            deliveries.start_sending(connection, oldest["delivery_id"], now, reason="tried again")
            return _outgoing(oldest, message, oldest["attempts"] + 1)
        due = deliveries.all_gathered(connection, plan.channel_id, now) if form is Form.DIGEST else [oldest]
        said = _settle_all(connection, due, channel, plan, situation_now(connection, [channel], now))
        return _write(connection, said, page=page, now=now) if said.rows else None


def _settle_all(
    connection: psycopg.Connection, due: Sequence[Row], channel: Row, plan: ChannelPlan, situation: Situation
) -> _Said:
    """Settle every gathering that is due. One that has nothing to say is gone, and its intents are held elsewhere; a
    reminder of nothing is looked at later, or held."""
    said = _Said({}, {}, [], [])
    intents = {
        row["outbox_id"]: row
        for row in outbox.intents_by_id(connection, [each for row in due for each in row["outbox_ids"]])
    }
    over = [row["alert_id"] for row in intents.values() if row["what"] == "resolved"]
    found = deliveries.openings(connection, plan.channel_id, over) if over else {}
    openings = {alert_id: Opening(what) for alert_id, what in found.items()}
    to_remind_of = [alert_id for row in due if row["reminder"] for alert_id in row["alert_ids"]]
    alerts = {row["alert_id"]: row for row in outbox.alerts_by_id(connection, to_remind_of)} if to_remind_of else {}
    silent: list[UUID] = []
    unsaid: list[tuple[Intent, Verdict]] = []
    for row in due:
        if row["reminder"]:
            _settle_reminder(connection, row, alerts, situation, said)
            continue
        rows = [intents[outbox_id] for outbox_id in row["outbox_ids"] if outbox_id in intents]
        settled = settle([intent_of(each) for each in rows], plan, situation, openings)
        unsaid += settled.held
        if not settled.says_something:
            silent.append(row["delivery_id"])
            continue
        by_id = {each["alert_id"]: each for each in rows}
        said.firing |= {alert_id: by_id[alert_id] for alert_id in settled.firing}
        said.resolved |= {alert_id: by_id[alert_id] for alert_id in settled.resolved}
        said.outbox_ids += settled.outbox_ids
        said.rows.append(row)
    deliveries.forget(connection, silent)
    _hold(connection, channel, unsaid)
    return said


def _settle_reminder(
    connection: psycopg.Connection, row: Row, alerts: Mapping[UUID, Row], situation: Situation, said: _Said
) -> None:
    rows = [alerts[alert_id] for alert_id in row["alert_ids"] if alert_id in alerts]
    still, why = settle_reminder([alert_of(each) for each in rows], situation)
    if still:
        said.firing |= {alert.alert_id: alerts[alert.alert_id] for alert in still}
        said.rows.append(row)
    elif why.look_again_at is not None:
        deliveries.put_off(connection, row["delivery_id"], why.look_again_at, why.reason)
    else:
        deliveries.end_unsent(connection, row["delivery_id"], "held", reason=why.reason)


def _write(connection: psycopg.Connection, said: _Said, *, page: str, now: datetime) -> Outgoing:
    message = compose(
        [_told(row) for row in said.firing.values()],
        [_told(row) for alert_id, row in said.resolved.items() if alert_id not in said.firing],
        page=page,
        now=now,
        groups=len(said.rows),
        reminder=all(row["reminder"] for row in said.rows),
    )
    first, *others = said.rows
    alert_ids = [*said.firing, *(alert_id for alert_id in said.resolved if alert_id not in said.firing)]
    written = {
        "kind": message.kind,
        "subject": message.subject,
        "message": encode_message(message),
        "alerts": alert_ids,
        "intents": said.outbox_ids,
        "group_key": first["group_key"] if not others else "",
    }
    reason = "being sent" if not others else f"storm limit: {len(said.rows)} messages told of as one"
    deliveries.forget(connection, [row["delivery_id"] for row in others])
    deliveries.start_sending(connection, first["delivery_id"], now, reason=reason, written=written)
    return _outgoing({**first, "group_key": written["group_key"]}, message, 1)


def _hold(connection: psycopg.Connection, channel: Row, held: Sequence[tuple[Intent, Verdict]]) -> None:
    together: dict[Verdict, list[Intent]] = defaultdict(list)
    for intent, verdict in held:
        together[verdict].append(intent)
    for verdict, intents in together.items():
        deliveries.hold(connection, channel, ids_of(intents), verdict.reason, look_again_at=verdict.look_again_at)


def _outgoing(row: Row, message: Message, attempts: int) -> Outgoing:
    return Outgoing(row["delivery_id"], message, attempts, row["first_due_at"] or row["due_at"], row["group_key"])


def _told(row: Row) -> AlertTold:
    return AlertTold(**{name: row[name] for name in _TOLD})
