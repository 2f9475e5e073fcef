"""Read the JSON objects that requests about notifications send, and refuse what can't be meant with a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from fastapi import HTTPException
from pydantic import WithJsonSchema
from starlette.requests import Request

from eventpulse.errors import DatabaseUnavailable, EventPulseError
from eventpulse.intake.json_objects import Refused, check_object
from eventpulse.intake.timestamps import read_timestamp
from eventpulse.settings import Settings
from ingest_api.intake.body import read_body

#: Of a path: taken as text, so that an id that is none is one that is not found.
UUID_IN_PATH = WithJsonSchema({"type": "string", "format": "uuid"})
_decode = msgspec.json.Decoder(dict[str, Any]).decode


async def sent_object(request: Request, settings: Settings) -> dict[str, Any]:
    """The object in the body. Raises 400 with a sentence where there is none."""
    body = await read_body(request, settings.max_body_bytes)
    try:
        text = body.decode()
        document = _decode(text)
        check_object(text.strip(), deepest=settings.max_json_depth)
        text.encode()
        msgspec.json.encode(document)
    except UnicodeError:
        raise HTTPException(400, "The body must be valid UTF-8") from None
    except msgspec.ValidationError:
        raise HTTPException(400, "The body must be a JSON object") from None
    except msgspec.DecodeError as fault:
        raise HTTPException(400, f"The body is not valid JSON: {fault}") from None
    except RecursionError:
        raise HTTPException(400, "The body must not be nested this deeply") from None
    except Refused as refused:
        raise HTTPException(400, "; ".join(issue.message for issue in refused.issues)) from None
    return document


@contextmanager
def refusals() -> Iterator[None]:
    """What our own readers refuse is a fault of the request: 400, with their sentence."""
    try:
        yield
    except DatabaseUnavailable:
        raise
    except EventPulseError as fault:
        raise HTTPException(400, str(fault)) from None


def only_known(document: dict[str, Any], known: tuple[str, ...]) -> None:
    """Raises 400 where a key is not known; it may be one that was misspelt."""
    for key in document:
        if key not in known:
            raise HTTPException(400, f"{key[:80]} is not known; there are {', '.join(known)}")


def sent_text(document: dict[str, Any], key: str, *, longest: int) -> str:
    """A text that is needed. Raises 400."""
    value = document.get(key)
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise HTTPException(400, f"{key} must be a text of 1 to {longest} characters")
    return value


def sent_instant(document: dict[str, Any], key: str) -> datetime:
    """An instant that is needed. Raises 400."""
    try:
        return read_timestamp(document[key])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise HTTPException(400, f"{key} must be a valid ISO-8601 timestamp") from None


def found_id(text: str, what: str) -> UUID:
    """The id in a path. Raises 404 where there can be no such thing."""
    try:
        return UUID(text)
    except ValueError:
        raise HTTPException(404, f"{what} not found") from None
