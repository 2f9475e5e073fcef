"""Make, show, try and end silences."""

from collections import Counter
from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import uuid4

from fastapi import APIRouter, HTTPException, Query
from sqlalchemy import Row
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from eventpulse.clock import iso_utc, utc_now
from eventpulse.database.notifications.silences import (
    add_silence,
    alerts_since,
    end_silence,
    messages_about,
    newest_silences,
    silence_by_id,
)
from eventpulse.database.transactions import reading, writing
from ingest_api.answers import documented, json_answer
from ingest_api.dependencies import Database, TheSettings
from ingest_api.notifications.sent_documents import (
    UUID_IN_PATH,
    found_id,
    only_known,
    refusals,
    sent_instant,
    sent_object,
    sent_text,
)
from ingest_api.notifications.silence_payloads import Silence, SilencePreview
from ingest_api.parameters import one_of
from ingest_api.rule_book.rule_requests import sent_as
from rules.routing.matcher import read_matcher
from rules.routing.stored import alert_of

router = APIRouter(prefix="/silences", tags=["notifications"])
SilenceId = Annotated[str, UUID_IN_PATH]
SilenceState = Annotated[
    Literal["pending", "active", "expired"] | None,
    one_of("state", "pending", "active", "expired"),
    Query(description="In this state only."),
]
LOOK_BACK = timedelta(hours=24)
_MOST_ALERTS, _MOST_SHOWN = 50_000, 50


@router.get("", response_model=list[Silence], responses=documented(400, 500, 503))
def list_silences(database: Database, state: SilenceState = None) -> Response:
    """Silences, the one that ends last first; 500 at most."""
    with reading(database) as connection:
        return json_answer([_as_json(row) for row in newest_silences(connection, state)])


@router.post(
    "",
    status_code=201,
    response_model=Silence,
    responses=documented(400, 413, 500, 503),
    openapi_extra=sent_as("SilenceIn"),
)
async def create_silence(request: Request, database: Database, settings: TheSettings) -> Response:
    """Silence what matches until `ends_at`. What is held meanwhile and still fires then is told of after all."""
    document = await sent_object(request, settings)
    only_known(document, ("matcher", "reason", "ends_at", "starts_at", "owner"))
    with refusals():
        read_matcher(document.get("matcher"))
    ends_at = sent_instant(document, "ends_at")
    starts_at = sent_instant(document, "starts_at") if document.get("starts_at") is not None else None
    if ends_at <= max(utc_now(), starts_at or utc_now()):
        raise HTTPException(400, "ends_at must lie ahead, and after starts_at")
    owner = sent_text(document, "owner", longest=255) if document.get("owner") is not None else _caller(request)
    values: dict[str, Any] = {
        "matcher": document["matcher"],
        "owner": owner,
        "reason": sent_text(document, "reason", longest=1_000),
        "starts_at": starts_at,
        "ends_at": ends_at,
    }

    def create() -> Row:
        with writing(database) as connection:
            return add_silence(connection, uuid4(), **values)

    return json_answer(_as_json(await run_in_threadpool(create)), 201)


@router.post(
    "/preview",
    response_model=SilencePreview,
    responses=documented(400, 413, 500, 503),
    openapi_extra=sent_as("MatcherIn"),
)
async def preview_silence(request: Request, database: Database, settings: TheSettings) -> Response:
    """What a silence with this matcher would have hidden in the last 24 hours. Nothing is kept."""
    document = await sent_object(request, settings)
    only_known(document, ("matcher",))
    with refusals():
        matcher = read_matcher(document.get("matcher"))

    def look() -> dict[str, Any]:
        since = utc_now() - LOOK_BACK
        with reading(database) as connection:
            rows = alerts_since(connection, since, _MOST_ALERTS)
            hidden = [row for row in rows if matcher.matches(alert_of(row._asdict()))]
            messages = messages_about(connection, [row.alert_id for row in hidden], since) if hidden else 0
        return {
            "alerts": len(hidden),
            "messages": messages,
            "by_rule": dict(Counter(row.rule_name for row in hidden).most_common()),
            "newest": [_hidden_as_json(row) for row in hidden[:_MOST_SHOWN]],
        }

    return json_answer(await run_in_threadpool(look))


@router.get("/{silence_id}", response_model=Silence, responses=documented(404, 500, 503))
def show_silence(database: Database, silence_id: SilenceId) -> Response:
    """One silence."""
    with reading(database) as connection:
        return json_answer(_as_json(silence_by_id(connection, found_id(silence_id, "Silence"))))


@router.delete("/{silence_id}", response_model=Silence, responses=documented(404, 500, 503))
def end(database: Database, silence_id: SilenceId) -> Response:
    """End a silence now; it stays on record. What it held and what still fires is told of."""
    with writing(database) as connection:
        return json_answer(_as_json(end_silence(connection, found_id(silence_id, "Silence"))))


def _caller(request: Request) -> str:
    """The name of the API key, where there is one."""
    known = request.state.admission.known
    return known.key.name if known is not None else "somebody"


def _as_json(row: Row | None) -> dict[str, Any]:
    if row is None:
        raise HTTPException(404, "Silence not found")
    now = utc_now()
    state = "pending" if row.starts_at > now else "active" if row.ends_at > now else "expired"
    return {
        **{name: getattr(row, name) for name in ("silence_id", "matcher", "owner", "reason")},
        **{name: iso_utc(getattr(row, name)) for name in ("starts_at", "ends_at", "created_at")},
        "state": state,
    }


def _hidden_as_json(row: Row) -> dict[str, Any]:
    names = ("alert_id", "rule_id", "rule_name", "severity", "group", "state")
    return {**{name: row._mapping[name] for name in names}, "opened_at": iso_utc(row.opened_at)}
