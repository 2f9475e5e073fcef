"""What people do to an alert, each in one transaction.

The row is locked first, so that a person's change and one of detection follow one another, and each sees what the other
has made of the alert.
"""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, Row, func, insert, select, update

from eventpulse.database.alert_queries import SHOWN
from eventpulse.database.tables import alert_history, alerts, outbox

Wish = Literal["acknowledge", "unacknowledge", "resolve"]

#: In which states a wish can be granted, and what then is written down.
_FROM = {"acknowledge": ("open",), "unacknowledge": ("acknowledged",), "resolve": ("open", "acknowledged")}
_BECAME = {"acknowledge": "acknowledged", "unacknowledge": "unacknowledged", "resolve": "resolved"}


@dataclass(frozen=True)
class NotNow:
    """An alert's state forbids what somebody wishes."""

    state: str


def change_alert(connection: Connection, alert_id: UUID, wish: Wish, by: str, note: str | None) -> Row | NotNow | None:
    """Do what somebody wishes with an alert, and write down who it was; None where there is none.

    A resolved alert stays so although its condition may hold: it gathers nothing more, and the next anomaly opens
    another one.
    """
    state = connection.execute(
        select(alerts.c.state).where(alerts.c.alert_id == alert_id).with_for_update()
    ).scalar_one_or_none()
    if state is None:
        return None
    if state not in _FROM[wish]:
        return NotNow(state)
    now = func.clock_timestamp()
    values: dict[str, object] = {"updated_at": now}
    if wish == "acknowledge":
        values |= {"state": "acknowledged", "acknowledged_at": now, "acknowledged_by": by}
    elif wish == "unacknowledge":
        values |= {"state": "open", "acknowledged_at": None, "acknowledged_by": None}
    else:
        values |= {"state": "resolved", "resolved_at": now, "resolved_by": by, "resolution": "person"}
    changed = update(alerts).where(alerts.c.alert_id == alert_id).values(values).returning(*SHOWN)
    row = connection.execute(changed).one()
    connection.execute(insert(alert_history).values(alert_id=alert_id, what=_BECAME[wish], by=by, note=note))
    if wish != "unacknowledge":
        connection.execute(insert(outbox).values(alert_id=alert_id, what=_BECAME[wish], origin=row.origin))
        connection.execute(select(func.pg_notify("eventpulse_outbox", "")))
    return row
