"""Show anomalies, and where each one comes from."""

from typing import Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, HTTPException
from sqlalchemy import Row
from starlette.responses import Response

from eventpulse.clock import iso_utc
from eventpulse.database.anomalies.anomaly_queries import (
    AnomalyFilter,
    AnomalyPlace,
    anomaly_by_id,
    batch_by_id,
    newest_anomalies,
)
from eventpulse.database.events.event_queries import events_by_id
from eventpulse.database.transactions import reading
from ingest_api.anomaly_payloads import AnomalyDetail, AnomalyPage
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import Database, TheSettings
from ingest_api.event_routes import event_as_json
from ingest_api.paging import anomaly_cursor, anomaly_place, page
from ingest_api.parameters import (
    AlertId,
    AnomalyCursor,
    AnomalyOrigin,
    AnomalyState,
    From,
    Group,
    Limit,
    Offset,
    RuleOrName,
    Severity,
    To,
    in_order,
)

router = APIRouter(prefix="/anomalies", tags=["anomalies"])


@router.get("", response_model=AnomalyPage, responses=documented(400, 500, 503))
def list_anomalies(
    database: Database,
    limit: Limit = 50,
    offset: Offset = 0,
    cursor: AnomalyCursor = None,
    rule: RuleOrName = None,
    severity: Severity = None,
    state: AnomalyState = "current",
    origin: AnomalyOrigin = None,
    since: From = None,
    until: To = None,
    group: Group = None,
    alert_id: AlertId = None,
) -> Response:
    """Anomalies, the newest detected first. `state=retracted` shows those that later events disproved. `from` and `to`
    are event time, when an anomaly occurred."""
    in_order(since, until)
    after = anomaly_place(cursor) if cursor else None
    wanted = AnomalyFilter(rule, severity, None if state == "all" else state, origin, since, until, group, alert_id)
    with reading(database) as connection:
        rows = newest_anomalies(connection, wanted, limit=limit + 1, offset=offset, after=after)
    return json_answer(page(rows, limit=limit, offset=offset, as_json=anomaly_as_json, cursor_behind=_cursor_behind))


@router.get("/{anomaly_id}", response_model=AnomalyDetail, responses=documented(404, 500, 503))
def show_anomaly(database: Database, settings: TheSettings, anomaly_id: str) -> Response:
    """One anomaly with its rule as it read then, the events it rests on, and the micro-batch and run that found it."""
    try:
        wanted = UUID(anomaly_id)
    except ValueError:
        raise HTTPException(404, "Anomaly not found") from None
    with reading(database) as connection:
        row = anomaly_by_id(connection, wanted)
        if row is None:
            raise HTTPException(404, "Anomaly not found")
        events = events_by_id(connection, row.contributing)
        batch = batch_by_id(connection, row.batch_id)
    run = row.dagster_run_id
    return json_answer(
        {
            **anomaly_as_json(row),
            "rule": msgspec.Raw(row.document.encode()) if row.document else None,
            "events": [event_as_json(event) for event in events],
            "batch": batch_as_json(batch) if batch else None,
            "dagster_run_url": f"{settings.dagster_at}/runs/{run}" if run else None,
        }
    )


def _cursor_behind(row: Row) -> str:
    return anomaly_cursor(AnomalyPlace(row.detected_at, row.anomaly_id))


def anomaly_as_json(row: Row) -> dict[str, Any]:
    """An anomaly as it is shown."""
    return {
        "anomaly_id": row.anomaly_id,
        "event_id": row.event_id,
        "rule_id": row.rule_id,
        "rule_name": row.rule_name,
        "rule_version": row.rule_version,
        "severity": row.severity,
        "message": row.message,
        "detected_at": iso_utc(row.detected_at),
        "occurred_at": iso_utc(row.occurred_at),
        "group": msgspec.Raw(row.group.encode()),
        "value": row.value,
        "threshold": row.threshold,
        "expected": row.expected,
        "window_start": iso_utc(row.window_start),
        "window_end": iso_utc(row.window_end),
        "contributing": row.contributing,
        "contributing_count": row.contributing_count,
        "origin": row.origin,
        "state": row.state,
        "retracted_at": iso_utc(row.retracted_at) if row.retracted_at else None,
        "batch_id": row.batch_id,
        "dagster_run_id": row.dagster_run_id,
        "alert_id": row.alert_id,
    }


def batch_as_json(row: Row) -> dict[str, Any]:
    """The micro-batch that found something, as it is shown with that."""
    return {
        "batch_id": row.batch_id,
        "origin": row.origin,
        "taken": row.taken,
        "stored": row.stored,
        "duplicates": row.duplicates,
        "dead_lettered": row.dead_lettered,
        "started_at": iso_utc(row.started_at),
        "committed_at": iso_utc(row.committed_at),
        "dagster_run_id": row.dagster_run_id,
    }
