"""Answers: JSON made from structs and raw text, and every error as JSON with `error`."""

from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from eventpulse.errors import BacklogFull, DatabaseUnavailable, StreamUnavailable
from ingest_api.door.allowed_methods import allowed_methods
from ingest_api.door.security_headers import SECURITY_HEADERS
from ingest_api.payloads import Error
from ingest_api.rule_book.rule_documents import BadRule

RETRY_AFTER_SECONDS = 1
_encode = msgspec.json.Encoder().encode


def json_answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`content` as JSON; what is msgspec.Raw in it goes out as it stands."""
    return Response(_encode(content), status, headers, media_type="application/json")


def error_answer(error: Any, status: int, headers: dict[str, str] | None = None) -> Response:
    """An error as every error of this API looks."""
    return json_answer({"error": error}, status, headers)


def answer_errors_as_json(app: FastAPI) -> None:
    """Make every error of the app an answer with `error`."""
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _bad_parameter)
    app.add_exception_handler(BadRule, _bad_rule)
    app.add_exception_handler(BacklogFull, _full)
    app.add_exception_handler(StreamUnavailable, _unavailable)
    app.add_exception_handler(DatabaseUnavailable, _unavailable)
    app.add_exception_handler(ClientDisconnect, _nobody_listens)
    app.add_exception_handler(Exception, _unexpected)


def documented(*statuses: int, **models: type) -> dict[int | str, dict[str, Any]]:
    """`responses` of a route: the plain error for each status; `models` such as s400=ValidationFailed replace it."""
    responses: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        responses[status] = {"model": Error, "description": HTTPStatus(status).phrase}
        if status in (429, 503):
            responses[status]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    for name, model in models.items():
        status = int(name.removeprefix("s"))
        responses[status] = {"model": model, "description": HTTPStatus(status).phrase}
    return dict(sorted(responses.items()))


async def _http_error(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    headers = dict(fault.headers or {})
    if fault.status_code == 405 and (methods := allowed_methods(request.app, request.url.path)):
        headers["Allow"] = methods
    return error_answer(fault.detail, fault.status_code, headers)


async def _bad_parameter(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, RequestValidationError)
    first = fault.errors()[0]
    sentence = first["msg"] if first["type"] == "sentence" else f"{first['loc'][-1]}: {first['msg']}"
    return error_answer(sentence, 400)


async def _bad_rule(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, BadRule)
    return error_answer(fault.errors, 400)


async def _full(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, BacklogFull)
    return error_answer(str(fault), 429, {"Retry-After": str(fault.retry_after)})


async def _unavailable(request: Request, fault: Exception) -> Response:
    return error_answer(str(fault), 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})


async def _nobody_listens(request: Request, fault: Exception) -> Response:
    return error_answer("The request ended before its body did", 400)


async def _unexpected(request: Request, fault: Exception) -> Response:
    return error_answer("Internal server error", 500, SECURITY_HEADERS)  # made outside of the door, which adds them
