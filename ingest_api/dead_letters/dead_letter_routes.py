"""Dead letters: see them, mend them, send them on, or close them."""

import base64
import codecs
from typing import Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, HTTPException
from sqlalchemy import Row
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from eventpulse.clock import iso_utc
from eventpulse.database.ledger.dead_letters import (
    LetterFilter,
    discard_letter,
    edit_letter,
    letter_by_id,
    newest_letters,
)
from eventpulse.database.transactions import reading, writing
from eventpulse.intake.explain import faults_of_event
from eventpulse.intake.sent_events import UNREADABLE, read_event
from ingest_api.answers import documented, json_answer
from ingest_api.dead_letters.dead_letter_parameters import BatchId, Cause, LetterId, LetterState, Reason, letter_id
from ingest_api.dead_letters.dead_letter_payloads import DeadLetterDetail, DeadLetterPage
from ingest_api.dead_letters.redriving import Unfit, event_of, id_of, prepare, with_id
from ingest_api.dependencies import Database, TheSettings
from ingest_api.intake.body import read_body
from ingest_api.ledger_parameters import NumberCursor
from ingest_api.paging import page
from ingest_api.parameters import From, Limit, Offset, To
from ingest_api.payloads import ValidationFailed
from ingest_api.rule_book.rule_requests import sent_as

router = APIRouter(prefix="/dead-letters", tags=["dead letters"])
_CLOSED = "Dead letter {} is {}; nothing can be changed about it"
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@router.get("", response_model=DeadLetterPage, responses=documented(400, 500, 503))
def list_dead_letters(
    database: Database,
    limit: Limit = 50,
    offset: Offset = 0,
    cursor: NumberCursor = None,
    state: LetterState = None,
    cause: Cause = None,
    reason: Reason = None,
    batch_id: BatchId = None,
    since: From = None,
    until: To = None,
) -> Response:
    """Events that could not be stored, the newest first. `from` and `to` are about when they were received."""
    wanted = LetterFilter(None, [state] if state else None, cause, reason, batch_id, since, until)
    with reading(database) as connection:
        rows = newest_letters(
            connection, wanted, limit=limit + 1, offset=offset, before=int(cursor) if cursor else None
        )
    behind = {"cursor_behind": lambda row: str(row.dead_letter_id)}
    return json_answer(page(rows, limit=limit, offset=offset, as_json=_as_json, **behind))


@router.get("/{dead_letter_id}", response_model=DeadLetterDetail, responses=documented(404, 500, 503))
def show_dead_letter(database: Database, settings: TheSettings, dead_letter_id: LetterId) -> Response:
    """One dead letter, what came in and what would be redriven."""
    with reading(database) as connection:
        row = letter_by_id(connection, letter_id(dead_letter_id))
    return json_answer(_whole(row, settings.max_json_depth))


@router.patch(
    "/{dead_letter_id}",
    response_model=DeadLetterDetail,
    responses=documented(404, 409, 413, 500, 503, s400=ValidationFailed),
    openapi_extra=sent_as("EventIn"),
)
async def edit_dead_letter(
    request: Request, database: Database, settings: TheSettings, dead_letter_id: LetterId
) -> Response:
    """Keep an event that stands in for what came in. It is read as `POST /events` reads it; without an `event_id` it
    gets the one that the letter has. What came in is kept."""
    wanted, deepest = letter_id(dead_letter_id), settings.max_json_depth
    body = await read_body(request, settings.max_body_bytes)
    try:
        read_event(body, deepest=deepest)
    except UNREADABLE:
        issues = faults_of_event(body, deepest=deepest)
        return json_answer({"error": "Validation failed", "issues": issues}, 400)

    def edit() -> Row | None:
        with writing(database) as connection:
            row = letter_by_id(connection, wanted)
            if row is None:
                return None
            event = with_id(body, id_of(row))
            event_id = UUID(read_event(event, deepest=deepest).event_ids[0])
            if not edit_letter(connection, wanted, event, event_id):
                raise HTTPException(409, _CLOSED.format(wanted, row.state))
            return letter_by_id(connection, wanted)

    return json_answer(_whole(await run_in_threadpool(edit), deepest))


@router.post("/{dead_letter_id}/discard", response_model=DeadLetterDetail, responses=documented(404, 409, 500, 503))
def discard_dead_letter(database: Database, settings: TheSettings, dead_letter_id: LetterId) -> Response:
    """Close a dead letter without sending it on. It stays in the ledger as dead-lettered."""
    wanted = letter_id(dead_letter_id)
    with writing(database) as connection:
        closed = discard_letter(connection, wanted)
        row = letter_by_id(connection, wanted)
    if row is not None and not closed:
        raise HTTPException(409, _CLOSED.format(wanted, row.state))
    return json_answer(_whole(row, settings.max_json_depth))


def _whole(row: Row | None, deepest: int) -> dict[str, Any]:
    if row is None:
        raise HTTPException(404, "Dead letter not found")
    prepared = prepare(row, deepest=deepest)
    issues = prepared.issues if isinstance(prepared, Unfit) else []
    return {**_as_json(row), "event": _object(with_id(event_of(row), id_of(row))), "issues": issues}


def _as_json(row: Row) -> dict[str, Any]:
    raw, encoding = _shown(bytes(row.raw), whole=len(row.raw) == row.raw_bytes)
    instants = ("received_at", "edited_at", "redriving_since", "closed_at", "created_at")
    names = ("dead_letter_id", "state", "cause", "reason", "batch_id", "entry", "line", "raw_bytes", "event_id")
    return {
        **{name: getattr(row, name) for name in names},
        **{name: iso_utc(instant) if (instant := getattr(row, name)) else None for name in instants},
        "raw": raw,
        "raw_encoding": encoding,
        "edited": None if row.edited is None else _object(bytes(row.edited)),
    }


def _shown(raw: bytes, *, whole: bool) -> tuple[str, str]:
    """Bytes as text where they are text; a beginning may end within a character."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(raw, final=whole), "text"
    except UnicodeDecodeError:
        return base64.b64encode(raw).decode(), "base64"


def _object(event: bytes) -> msgspec.Raw | None:
    try:
        _decode_object(event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return msgspec.Raw(event)
