"""Show audits of closed days, and which stretches of history rules have not evaluated."""

from collections.abc import Sequence
from itertools import groupby
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from sqlalchemy import Row
from starlette.responses import Response

from eventpulse.clock import iso_utc
from eventpulse.database.anomalies.audit_queries import findings_of, gaps_by_day, newest_audits
from eventpulse.database.transactions import reading
from ingest_api.answers import documented, json_answer
from ingest_api.audit_payloads import AuditPage, CoveragePage
from ingest_api.dependencies import Database, TheSettings
from ingest_api.ledger_parameters import Day, DayCursor, NumberCursor
from ingest_api.paging import page
from ingest_api.parameters import Limit, Offset

router = APIRouter(tags=["history"])
_COUNTS = ("rules", "events", "computed", "standing", "missing", "extra", "changed")


@router.get("/audits", response_model=AuditPage, responses=documented(400, 500, 503))
def list_audits(
    database: Database,
    settings: TheSettings,
    limit: Limit = 50,
    offset: Offset = 0,
    cursor: NumberCursor = None,
    day: Annotated[Day, Query(description="Of this day of event time, in UTC.")] = None,
) -> Response:
    """Audits of closed days, the newest first: whether the anomalies that stand follow from the events."""
    with reading(database) as connection:
        rows = newest_audits(
            connection, limit=limit + 1, offset=offset, day=day, before=int(cursor) if cursor else None
        )
        findings: dict[int, list[Row]] = {}
        for finding in findings_of(connection, [row.audit_id for row in rows[:limit]]):
            findings.setdefault(finding.audit_id, []).append(finding)
    return json_answer(
        page(
            rows,
            limit=limit,
            offset=offset,
            as_json=lambda row: _audit_as_json(row, findings.get(row.audit_id, []), settings.dagster_at),
            cursor_behind=lambda row: str(row.audit_id),
        )
    )


@router.get("/coverage", response_model=CoveragePage, responses=documented(400, 500, 503))
def list_coverage(database: Database, limit: Limit = 50, cursor: DayCursor = None) -> Response:
    """Days with events, the newest first, and what enabled rules have not evaluated of them. `eventpulse backfill`, or
    the day's partition in Dagster, evaluates it."""
    with reading(database) as connection:
        rows = gaps_by_day(connection, limit=limit + 1, before=cursor)
    days = [list(of_day) for _, of_day in groupby(rows, key=lambda row: row.day)]
    return json_answer(
        page(days, limit=limit, offset=0, as_json=_day_as_json, cursor_behind=lambda of_day: of_day[0].day.isoformat())
    )


def _audit_as_json(row: Row, findings: Sequence[Row], dagster_at: str) -> dict[str, Any]:
    return {
        "audit_id": row.audit_id,
        "day": row.day,
        "agrees": row.missing == row.extra == row.changed == 0,
        "repaired": row.repaired,
        **{name: getattr(row, name) for name in _COUNTS},
        "findings": [_finding_as_json(finding) for finding in findings],
        "started_at": iso_utc(row.started_at),
        "finished_at": iso_utc(row.finished_at),
        "dagster_run_id": row.dagster_run_id,
        "dagster_run_url": f"{dagster_at}/runs/{row.dagster_run_id}" if row.dagster_run_id else None,
    }


def _finding_as_json(finding: Row) -> dict[str, Any]:
    names = ("rule_id", "rule_version", "rule_name", "computed", "standing", "missing", "extra", "changed", "remarks")
    return {**{name: getattr(finding, name) for name in names}, "samples": msgspec.Raw(finding.samples.encode())}


def _day_as_json(of_day: Sequence[Row]) -> dict[str, Any]:
    gaps = [
        {"rule_id": row.rule_id, "rule_name": row.name, "from": iso_utc(row.start), "to": iso_utc(row.end)}
        for row in of_day
        if row.rule_id is not None
    ]
    return {"day": of_day[0].day, "events": of_day[0].events, "complete": not gaps, "gaps": gaps}
