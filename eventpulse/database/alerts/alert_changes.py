"""What people do to alerts, in one transaction.

Their rows are locked first, so that a person's change and one of detection follow one another, and each sees what the
other has made of an alert.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, Row, func, insert, select, update

from eventpulse.database.alerts.alert_queries import SHOWN
from eventpulse.database.tables import alert_history, alerts, outbox

Wish = Literal["acknowledge", "unacknowledge", "resolve"]

#: In which states a wish can be granted, and what then is written down.
_FROM = {"acknowledge": ("open",), "unacknowledge": ("acknowledged",), "resolve": ("open", "acknowledged")}
_BECAME = {"acknowledge": "acknowledged", "unacknowledge": "unacknowledged", "resolve": "resolved"}


@dataclass(frozen=True)
class Changes:
    """What became of a wish: the alerts that were changed, as they are now, and in which state each was before; one
    that is not there has none. An alert whose state forbids the wish is as it was."""

    rows: Sequence[Row]
    states: Mapping[UUID, str]


def change_alerts(connection: Connection, alert_ids: Sequence[UUID], wish: Wish, by: str, note: str | None) -> Changes:
    """Do what somebody wishes with alerts, and write down who it was.

    A resolved alert stays so although its condition may hold: it gathers nothing more, and the next anomaly opens
    another one.
    """
    # Locked in the order in which detection locks them, so that neither waits for the other for ever.
    wanted = select(alerts.c.alert_id, alerts.c.state).where(alerts.c.alert_id.in_(alert_ids))
    locked = connection.execute(wanted.order_by(alerts.c.alert_id).with_for_update())
    states: dict[UUID, str] = {row.alert_id: row.state for row in locked}
    granted = [alert_id for alert_id, state in states.items() if state in _FROM[wish]]
    if not granted:
        return Changes([], states)
    now = func.clock_timestamp()
    values: dict[str, object] = {"updated_at": now}
    if wish == "acknowledge":
        values |= {"state": "acknowledged", "acknowledged_at": now, "acknowledged_by": by}
    elif wish == "unacknowledge":
        values |= {"state": "open", "acknowledged_at": None, "acknowledged_by": None}
    else:
        values |= {"state": "resolved", "resolved_at": now, "resolved_by": by, "resolution": "person"}
    changed = update(alerts).where(alerts.c.alert_id.in_(granted)).values(values).returning(*SHOWN)
    rows = connection.execute(changed).all()
    what = _BECAME[wish]
    connection.execute(
        insert(alert_history), [{"alert_id": row.alert_id, "what": what, "by": by, "note": note} for row in rows]
    )
    if wish != "unacknowledge":
        connection.execute(
            insert(outbox), [{"alert_id": row.alert_id, "what": what, "origin": row.origin} for row in rows]
        )
        connection.execute(select(func.pg_notify("eventpulse_outbox", "")))
    return Changes(rows, states)
