"""Sign a browser in with a key, once: from then on a cookie stands for it, which scripts of a page cannot read."""

import time
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from eventpulse.api_key import Scope, ordered
from eventpulse.clock import iso_utc
from ingest_api.answers import documented, json_answer
from ingest_api.door.credentials import Admission, identify, session_in
from ingest_api.door.refusals import cannot_be_checked, key_unknown
from ingest_api.intake.body import read_body

_LARGEST_BODY = 4096
router = APIRouter(prefix="/session", tags=["session"])


class SignIn(BaseModel):
    """A key to sign in with."""

    key: Annotated[str, Field(description="An API key. Where none are needed, any text will do.")]


class SessionState(BaseModel):
    """Whether keys are needed here, and with which one this client is let in."""

    model_config = ConfigDict(extra="forbid")

    keys_needed: bool
    signed_in: bool
    key: Annotated[str | None, Field(description="The prefix of the key.")]
    name: str | None
    scopes: list[Scope]
    expires_at: Annotated[datetime | None, Field(description="When the session ends.")]


class _SentKey(msgspec.Struct):
    key: str


_read = msgspec.json.Decoder(_SentKey).decode
_TAKES: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": SignIn.model_json_schema()}}}
}


@router.get("", response_model=SessionState, responses=documented(500))
async def show_session(request: Request) -> Response:
    """Whether this client is let in, and what its key opens."""
    state = request.state
    if not state.admission.keys_needed:
        return json_answer(_as_json(None, keys_needed=False))
    return json_answer(_as_json(identify(dict(request.scope["headers"]), state.keys, state.sessions)))


@router.post("", response_model=SessionState, responses=documented(400, 401, 413, 500, 503), openapi_extra=_TAKES)
async def sign_in(request: Request) -> Response:
    """Begin a session. The answer sets its cookie. It ends with its key at the latest."""
    try:
        sent = _read(await read_body(request, _LARGEST_BODY)).key.strip().encode()
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise HTTPException(400, 'The body must be {"key": "<an API key>"}') from None
    state = request.state
    if not state.admission.keys_needed:
        return json_answer(_as_json(None, keys_needed=False))
    known = state.keys.find(sent)
    if known is None:
        raise key_unknown() if state.keys.complete else cannot_be_checked()
    now = time.time()
    text, session = state.sessions.begin(known.key.prefix, now, not_after=known.expires)
    answer = json_answer(_as_json(Admission(known, session)))
    answer.set_cookie(
        state.sessions.cookie,
        text,
        max_age=session.expires - int(now),
        secure=request.scope["scheme"] == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


@router.delete("", status_code=204, response_class=Response, responses=documented(500))
async def sign_out(request: Request) -> Response:
    """End the session, everywhere and at once; its cookie goes."""
    state = request.state
    if session := session_in(dict(request.scope["headers"]), state.sessions):
        await state.key_watch.end_session(session)
    answer = Response(status_code=204)
    answer.delete_cookie(state.sessions.cookie, httponly=True, samesite="strict")
    return answer


def _as_json(admission: Admission | None, *, keys_needed: bool = True) -> dict[str, Any]:
    known = admission.known if admission else None
    session = admission.session if admission else None
    return {
        "keys_needed": keys_needed,
        "signed_in": known is not None,
        "key": f"ep_{known.key.prefix}" if known else None,
        "name": known.key.name if known else None,
        "scopes": ordered(known.opens) if known else [],
        "expires_at": iso_utc(datetime.fromtimestamp(session.expires, UTC)) if session else None,
    }
