"""Let people acknowledge alerts, take that back, and resolve them: one at a time, or many in one transaction."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException
from redis.exceptions import RedisError
from sqlalchemy import Row
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from eventpulse.database.alerts.alert_changes import Changes, Wish, change_alerts
from eventpulse.database.transactions import writing
from eventpulse.stream.alert_messages import Change, alert_message
from eventpulse.stream.keys import ALERT_NOTIFICATIONS
from ingest_api.alerts.alert_documents import alert_as_json
from ingest_api.alerts.alert_payloads import LONGEST_NAME, LONGEST_NOTE, MOST_AT_ONCE, Alert, ChangedAlerts
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import Database, Redis, TheSettings
from ingest_api.notifications.sent_documents import UUID_IN_PATH, found_id, only_known, sent_object, sent_text
from ingest_api.rule_book.rule_requests import sent_as

router = APIRouter(prefix="/alerts", tags=["alerts"])
InPath = Annotated[str, UUID_IN_PATH]
_OF_ONE: dict[str, Any] = {
    "response_model": Alert,
    "responses": documented(400, 404, 409, 413, 500, 503),
    "openapi_extra": {"requestBody": {**sent_as("AlertWish")["requestBody"], "required": False}},
}
_OF_MANY: dict[str, Any] = {
    "response_model": ChangedAlerts,
    "responses": documented(400, 413, 500, 503),
    "openapi_extra": sent_as("AlertsWish"),
}
_BECAME: dict[Wish, Change] = {
    "acknowledge": "acknowledged",
    "unacknowledge": "unacknowledged",
    "resolve": "resolved",
}


@router.post("/{alert_id}/acknowledge", **_OF_ONE)
async def acknowledge_alert(
    request: Request, database: Database, redis: Redis, settings: TheSettings, alert_id: InPath
) -> Response:
    """Say that somebody has seen an alert and looks after it. 409 unless it is open."""
    return await _grant("acknowledge", request, database, redis, settings, alert_id)


@router.post("/{alert_id}/unacknowledge", **_OF_ONE)
async def unacknowledge_alert(
    request: Request, database: Database, redis: Redis, settings: TheSettings, alert_id: InPath
) -> Response:
    """Take an acknowledgement back. 409 unless the alert is acknowledged."""
    return await _grant("unacknowledge", request, database, redis, settings, alert_id)


@router.post("/{alert_id}/resolve", **_OF_ONE)
async def resolve_alert(
    request: Request, database: Database, redis: Redis, settings: TheSettings, alert_id: InPath
) -> Response:
    """Close an alert, whether its condition still holds or not. It gathers nothing more: the next anomaly opens another
    one. 409 if it is resolved already."""
    return await _grant("resolve", request, database, redis, settings, alert_id)


@router.post("/acknowledge", **_OF_MANY)
async def acknowledge_alerts(request: Request, database: Database, redis: Redis, settings: TheSettings) -> Response:
    """Acknowledge those of many alerts that are open, in one transaction; says of the others how they are."""
    return await _grant_many("acknowledge", request, database, redis, settings)


@router.post("/resolve", **_OF_MANY)
async def resolve_alerts(request: Request, database: Database, redis: Redis, settings: TheSettings) -> Response:
    """Resolve those of many alerts that are not, in one transaction; says of the others how they are."""
    return await _grant_many("resolve", request, database, redis, settings)


async def _grant(
    wish: Wish, request: Request, database: Database, redis: Redis, settings: TheSettings, alert_id: str
) -> Response:
    wanted = found_id(alert_id, "Alert")
    document = await _sent(request, settings)
    only_known(document, ("by", "note"))
    changes = await _change([wanted], wish, _who_and_why(request, document), database, redis)
    if changes.rows:
        return json_answer(alert_as_json(changes.rows[0]))
    if (state := changes.states.get(wanted)) is None:
        raise HTTPException(404, "Alert not found")
    raise HTTPException(409, f"The alert is {state}; it can't be {_BECAME[wish]} now")


async def _grant_many(
    wish: Wish, request: Request, database: Database, redis: Redis, settings: TheSettings
) -> Response:
    document = await _sent(request, settings)
    only_known(document, ("alert_ids", "by", "note"))
    wanted = _sent_ids(document)
    changes = await _change(wanted, wish, _who_and_why(request, document), database, redis)
    done = {row.alert_id for row in changes.rows}
    others = [each for each in wanted if each not in done]
    return json_answer(
        {
            "changed": [each for each in wanted if each in done],
            "unchanged": [{"alert_id": each, "state": changes.states.get(each)} for each in others],
        }
    )


async def _change(
    wanted: Sequence[UUID], wish: Wish, by_and_note: tuple[str, str | None], database: Database, redis: Redis
) -> Changes:
    def change() -> Changes:
        with writing(database) as connection:
            return change_alerts(connection, wanted, wish, *by_and_note)

    changes = await run_in_threadpool(change)
    await _tell(wish, changes.rows, redis)
    return changes


async def _tell(wish: Wish, rows: Sequence[Row], redis: Redis) -> None:
    pipe = redis.pipeline(transaction=False)
    for row in rows:
        pipe.publish(ALERT_NOTIFICATIONS, alert_message(_BECAME[wish], alert_as_json(row)))
    with suppress(RedisError, OSError):  # who does not hear of it now, sees it in the next answer
        await pipe.execute()


async def _sent(request: Request, settings: TheSettings) -> dict[str, Any]:
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    return await sent_object(request, settings) if has_body else {}


def _sent_ids(document: dict[str, Any]) -> list[UUID]:
    sent = document.get("alert_ids")
    if not isinstance(sent, list) or not 1 <= len(sent) <= MOST_AT_ONCE:
        raise HTTPException(400, f"alert_ids must be a list of 1 to {MOST_AT_ONCE} ids")
    try:
        return list(dict.fromkeys(UUID(each) for each in sent))
    except (ValueError, TypeError, AttributeError):
        raise HTTPException(400, "alert_ids must be valid UUIDs") from None


def _who_and_why(request: Request, document: dict[str, Any]) -> tuple[str, str | None]:
    known = request.state.admission.known
    by = known.key.name if known is not None else "somebody"
    note = None
    if document.get("by") is not None:
        by = sent_text(document, "by", longest=LONGEST_NAME)
    if document.get("note") is not None:
        note = sent_text(document, "note", longest=LONGEST_NOTE)
    return by, note
