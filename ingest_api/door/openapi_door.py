"""What the OpenAPI document says of the door: keys, sessions, the scope of each route; and what is refused anywhere."""

from http import HTTPStatus
from typing import Any

from fastapi.openapi.constants import REF_PREFIX

from eventpulse.settings import Settings
from ingest_api.door.scopes import NEEDS, OPEN
from ingest_api.door.session import Sessions

_RETRY_AFTER = {"schema": {"type": "integer"}, "description": "Seconds."}
_CHALLENGE = {"schema": {"type": "string"}, "description": "What would be let in."}
_HEADERS: dict[HTTPStatus, dict[str, Any]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": _CHALLENGE},
    HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": _RETRY_AFTER},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": _RETRY_AFTER},
}


def describe_door(document: dict[str, Any], settings: Settings) -> None:
    """Add it to the document, which may have it already."""
    document["components"]["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key, made with `eventpulse keys create`."},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": Sessions(settings).cookie,
            "description": "The cookie that POST /api/v1/session sets.",
        },
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            scope = NEEDS.get((method.upper(), path), "admin")
            operation["security"] = [] if scope is OPEN else _ways_in(scope, keys_needed=settings.keys_needed)
            for status in _statuses(scope, operation):
                operation["responses"].setdefault(str(status.value), _refusal(status))
            operation["responses"] = dict(sorted(operation["responses"].items()))


def _statuses(scope: str | None, operation: dict[str, Any]) -> list[HTTPStatus]:
    found = [HTTPStatus.FORBIDDEN]
    if scope is not OPEN:
        found += _HEADERS
    if "requestBody" in operation:  # it may be too large, or packed in a way that we do not know
        found += [HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE]
    return found


def _ways_in(scope: str, *, keys_needed: bool) -> list[dict[str, list[str]]]:
    ways: list[dict[str, list[str]]] = [{"key": [scope]}, {"session": [scope]}]
    return ways if keys_needed else [*ways, {}]


def _refusal(status: HTTPStatus) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": REF_PREFIX + "Error"}}}
    return {"description": status.phrase, "content": content, "headers": _HEADERS.get(status, {})}
