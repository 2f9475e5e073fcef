"""Show alerts."""

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, HTTPException, Query
from sqlalchemy import Row
from starlette.responses import Response

from eventpulse.clock import iso_utc
from eventpulse.database.alerts.alert_queries import (
    AlertFilter,
    AlertPlace,
    alert_by_id,
    count_unresolved,
    history_of,
    newest_alerts,
)
from eventpulse.database.anomalies.anomaly_queries import AnomalyFilter, anomaly_by_id, batch_by_id, newest_anomalies
from eventpulse.database.events.event_queries import events_by_id
from eventpulse.database.transactions import reading
from ingest_api.alerts.alert_documents import alert_as_json, runbook_of
from ingest_api.alerts.alert_payloads import AlertDetail, AlertPage, AlertSummary
from ingest_api.anomaly_routes import anomaly_as_json, batch_as_json
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import Database, TheSettings
from ingest_api.event_routes import event_as_json
from ingest_api.notifications.sent_documents import UUID_IN_PATH, found_id
from ingest_api.paging import alert_cursor, alert_place, page
from ingest_api.parameters import (
    AlertCursor,
    AnomalyOrigin,
    From,
    Group,
    Limit,
    Offset,
    RuleOrName,
    Severity,
    To,
    in_order,
    one_of,
)

router = APIRouter(prefix="/alerts", tags=["alerts"])
InPath = Annotated[str, UUID_IN_PATH]
_STATES = {
    "all": None,
    "unresolved": ("open", "acknowledged"),
    "open": ("open",),
    "acknowledged": ("acknowledged",),
    "resolved": ("resolved",),
}
AlertState = Annotated[
    Literal["open", "acknowledged", "resolved", "unresolved", "all"],
    one_of("state", "open", "acknowledged", "resolved", "unresolved", "all"),
    Query(description="In this state; `unresolved` are those open or acknowledged."),
]
_MOST_ANOMALIES = 50


@router.get("", response_model=AlertPage, responses=documented(400, 500, 503))
def list_alerts(
    database: Database,
    limit: Limit = 50,
    offset: Offset = 0,
    cursor: AlertCursor = None,
    state: AlertState = "all",
    severity: Severity = None,
    rule: RuleOrName = None,
    group: Group = None,
    origin: AnomalyOrigin = None,
    since: From = None,
    until: To = None,
) -> Response:
    """Alerts, those made last first. `from` and `to` are event time, when an alert opened."""
    in_order(since, until)
    wanted = AlertFilter(_STATES[state], severity, rule, group, origin, since, until)
    after = alert_place(cursor) if cursor else None
    with reading(database) as connection:
        rows = newest_alerts(connection, wanted, limit=limit + 1, offset=offset, after=after)
    return json_answer(page(rows, limit=limit, offset=offset, as_json=alert_as_json, cursor_behind=_cursor_behind))


@router.get("/summary", response_model=AlertSummary, responses=documented(500, 503))
def summarise_alerts(database: Database) -> Response:
    """How many alerts are open and acknowledged, by severity."""
    with reading(database) as connection:
        counts = count_unresolved(connection)
    return json_answer(
        {
            state: {severity: counts.get((state, severity), 0) for severity in ("critical", "warning", "info")}
            for state in ("open", "acknowledged")
        }
    )


@router.get("/{alert_id}", response_model=AlertDetail, responses=documented(404, 500, 503))
def show_alert(database: Database, settings: TheSettings, alert_id: InPath) -> Response:
    """One alert: its rule as it read then, what became of it, its newest anomalies and the events that led to it."""
    wanted = found_id(alert_id, "Alert")
    with reading(database) as connection:
        row = alert_by_id(connection, wanted)
        if row is None:
            raise HTTPException(404, "Alert not found")
        history = history_of(connection, wanted)
        anomalies = newest_anomalies(connection, AnomalyFilter(alert_id=wanted), limit=_MOST_ANOMALIES)
        newest = anomaly_by_id(connection, row.latest_anomaly_id)
        events = events_by_id(connection, newest.contributing) if newest is not None else []
        batch = batch_by_id(connection, row.batch_id)
    run = row.dagster_run_id
    return json_answer(
        {
            **alert_as_json(row),
            "rule": msgspec.Raw(row.document.encode()) if row.document else None,
            "runbook": runbook_of(row.labels),
            "history": [
                {"at": iso_utc(each.at), "what": each.what, "by": each.by, "note": each.note} for each in history
            ],
            "anomalies": [anomaly_as_json(each) for each in anomalies],
            "events": [event_as_json(event) for event in events],
            "batch": batch_as_json(batch) if batch else None,
            "dagster_run_url": f"{settings.dagster_at}/runs/{run}" if run else None,
        }
    )


def _cursor_behind(row: Row) -> str:
    return alert_cursor(AlertPlace(row.created_at, row.alert_id))
