"""Opaque cursors: where a page ended, so that the next one begins there whatever arrives meanwhile."""

import base64
import binascii
from typing import TypeVar

import msgspec
from fastapi import HTTPException

Place = TypeVar("Place")
_BIGGEST = (1 << 63) - 1


def cursor_of(place: object) -> str:
    """The place as clients carry it."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place_of(cursor: str, kind: type[Place]) -> Place:
    """The place a cursor names. Raises HTTPException 400 where it is none of ours."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        place = msgspec.json.decode(text, type=kind)
    except (binascii.Error, ValueError, RecursionError):
        place = None
    if place is None or any(isinstance(part, int) and not 0 <= part <= _BIGGEST for part in _parts(place)):
        raise HTTPException(400, "cursor must be one that pagination.next gave")
    return place


def _parts(place: object) -> list[object]:
    return list(vars(place).values())


def page(rows: list[object], places: list[object], *, limit: int, offset: int) -> dict[str, object]:
    """The envelope of a list. One row more than `limit` was asked for, to know whether there is another page."""
    more = len(rows) > limit
    shown = rows[:limit]
    return {
        "data": shown,
        "pagination": {
            "limit": limit,
            "offset": offset,
            "count": len(shown),
            "next": cursor_of(places[limit - 1]) if more else None,
        },
    }
