"""Take events: read them, put them into the stream, answer when they are on disk there."""

from typing import Any

from fastapi import HTTPException
from fastapi.routing import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from eventpulse.intake.explain import faults_of_batch, faults_of_event
from eventpulse.intake.json_objects import Issue
from eventpulse.intake.sent_events import UNREADABLE, Empty, TooMany, read_event
from eventpulse.settings import Settings
from eventpulse.stream.publisher import Publisher
from ingest_api.answers import documented, json_answer
from ingest_api.intake.bare_route import BareRoute
from ingest_api.intake.batch_forms import RefusedEvent, form_of, read_valid, skips_refused
from ingest_api.intake.body import read_body
from ingest_api.payloads import BatchAccepted, BatchPartlyAccepted, Error, EventAccepted, ValidationFailed

_EVENT = {"$ref": "#/components/schemas/EventIn"}


async def accept_event(request: Request) -> Response:
    """Take one event. 202 means that it is in the stream, on disk. After a 503 send it again, with the same id."""
    settings, publisher = _state(request)
    body = await read_body(request, settings.max_body_bytes)
    try:
        accepted = read_event(body, deepest=settings.max_json_depth)
    except UNREADABLE as fault:
        return _refusal(faults_of_event(body, deepest=settings.max_json_depth), fault)
    await publisher.publish(accepted.lines, 1)
    request.scope["state"]["admission"].charge(1)
    answer = b'{"status":"accepted","event_id":"%b"}' % accepted.event_ids[0].encode()
    return Response(answer, 202, media_type="application/json")


async def accept_batch(request: Request) -> Response:
    """Take a batch of events, all or none. 202 means that all are in the stream, on disk.

    With `on_error=skip` those that can be taken are; the others are listed by index. A body may be packed with
    `Content-Encoding: gzip` or `zstd`; limits hold for what is in it.
    """
    settings, publisher = _state(request)
    skips, form = skips_refused(request), form_of(request)
    body = await read_body(request, settings.max_body_bytes)
    most, deepest = settings.max_batch_events, settings.max_json_depth
    refused: list[RefusedEvent] = []
    try:
        try:
            accepted = form.read(body, most=most, deepest=deepest)
        except UNREADABLE:
            if not skips:
                raise
            accepted, refused = read_valid(form.split(body), most=most, deepest=deepest)
    except (*UNREADABLE, Empty, TooMany) as fault:
        try:
            return _refusal(faults_of_batch(body, split=form.split, most=most, deepest=deepest), fault)
        except TooMany as too_many:
            raise HTTPException(413, f"A batch may hold at most {most} events, got {too_many}") from None
    ids = accepted.event_ids
    if ids:
        await publisher.publish(accepted.lines, len(ids))
        request.scope["state"]["admission"].charge(len(ids))
    answer: dict[str, Any] = {"status": "accepted", "count": len(ids), "event_ids": ids}
    return json_answer({**answer, "refused": refused} if skips else answer, 202)


def _state(request: Request) -> tuple[Settings, Publisher]:
    state = request.scope["state"]
    return state["settings"], state["publisher"]


def _refusal(issues: list[Issue], fault: Exception) -> Response:
    issues = issues or [Issue((), str(fault), "invalid_type")]
    return json_answer({"error": "Validation failed", "issues": issues}, 400)


def _documented(model: Any, content: dict[str, Any], parameters: list[dict[str, Any]]) -> dict[str, Any]:
    refused: Any = ValidationFailed | Error
    return {
        "status_code": 202,
        "response_model": model,
        "responses": documented(413, 415, 429, 500, 503, s400=refused),
        "openapi_extra": {"requestBody": {"required": True, "content": content}, "parameters": parameters},
    }


def add_ingest_routes(router: APIRouter, settings: Settings) -> None:
    """Put the two routes in front of all others: they are the ones that are in a hurry."""
    batch = {
        "type": "array",
        "items": _EVENT,
        "minItems": 1,
        "description": f"Up to {settings.max_batch_events} events; more are 413, as is a body over the limit.",
    }
    lines = {"type": "string", "description": "One event on each line."}
    on_error = {
        "name": "on_error",
        "in": "query",
        "description": "`skip` takes what can be taken and lists the rest.",
        "schema": {"enum": ["fail", "skip"], "default": "fail"},
    }
    for path, endpoint, model, content, parameters in (
        ("/api/v1/events", accept_event, EventAccepted, {"application/json": {"schema": _EVENT}}, []),
        (
            "/api/v1/events/batch",
            accept_batch,
            BatchAccepted | BatchPartlyAccepted,
            {"application/json": {"schema": batch}, "application/x-ndjson": {"schema": lines}},
            [on_error],
        ),
    ):
        router.add_api_route(
            path,
            endpoint,
            methods=["POST"],
            tags=["events"],
            route_class_override=BareRoute,
            **_documented(model, content, parameters),
        )
    ours = router.routes[-2:]
    del router.routes[-2:]
    router.routes[:0] = ours
