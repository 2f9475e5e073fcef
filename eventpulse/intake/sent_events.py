"""Read events from the bytes of a request: one compiled pass, then the few checks that it cannot make.

What is refused here is explained in explain.py, fault by fault; what is taken needs no second look.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import msgspec

from eventpulse.event import EARLIEST, LATEST, StreamedEvent
from eventpulse.intake.event_id import EVENT_ID_PATTERN, mint_event_id
from eventpulse.intake.json_objects import Issue, Refused, check_object
from eventpulse.intake.timestamps import Timestamp, microseconds

NAME_LENGTH = 255
_EMPTY = msgspec.Raw(b"{}")
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_LENGTH)]


class SentEvent(msgspec.Struct, gc=False):
    """An event as a client writes it. Keys it does not have are ignored."""

    event_type: Name
    source: Name
    timestamp: Timestamp
    event_id: str | msgspec.UnsetType = msgspec.UNSET
    payload: msgspec.Raw = _EMPTY
    metadata: msgspec.Raw = _EMPTY


_decode_one = msgspec.json.Decoder(SentEvent).decode
_decode_many = msgspec.json.Decoder(list[SentEvent]).decode
_decode_lines = msgspec.json.Decoder(SentEvent).decode_lines
_is_event_id = re.compile(EVENT_ID_PATTERN).match  # a pattern in the struct would take three times as long
_encode_lines = msgspec.json.Encoder().encode_lines

#: Makes the id of an event that was sent without one, from its place among those it was sent with.
IdOf = Callable[[int], str]

#: What the readers below raise. RecursionError: brackets without end under a key that is not ours.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Refused)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Events that can be stored: their ids in the order sent, and the lines for the stream."""

    event_ids: list[str]
    lines: bytes


class Empty(ValueError):
    """A batch without events."""


class TooMany(ValueError):
    """A batch over the limit."""


def read_event(body: bytes, *, deepest: int, id_of: IdOf | None = None) -> Accepted:
    """The one event in `body`. Raises one of UNREADABLE."""
    _refuse_bad_utf8(body)
    return _accept([_decode_one(body)], body, deepest, id_of)


def read_batch(body: bytes, *, most: int, deepest: int) -> Accepted:
    """The events in `body`, a JSON array. Raises one of UNREADABLE, Empty or TooMany."""
    _refuse_bad_utf8(body)
    return _accept_batch(_decode_many(body), body, most, deepest)


def read_lines(body: bytes, *, most: int, deepest: int, id_of: IdOf | None = None) -> Accepted:
    """The events in `body`, one on each line. Raises as read_batch does."""
    _refuse_bad_utf8(body)
    events = _decode_lines(body)
    if len(events) != len(split_lines(body)):  # the decoder does not mind how lines are broken
        raise Refused(Issue((), "Each event must stand on a line of its own", "invalid_json"))
    return _accept_batch(events, body, most, deepest, id_of)


def split_lines(body: bytes) -> list[bytes]:
    """The lines with something on them."""
    return [line for line in body.split(b"\n") if line and not line.isspace()]


def _accept_batch(events: list[SentEvent], body: bytes, most: int, deepest: int, id_of: IdOf | None = None) -> Accepted:
    if not events:
        raise Empty
    if len(events) > most:
        raise TooMany(len(events))
    return _accept(events, body, deepest, id_of)


def _refuse_bad_utf8(body: bytes) -> None:
    if not body.isascii():
        body.decode()


def _accept(events: list[SentEvent], body: bytes, deepest: int, id_of: IdOf | None) -> Accepted:
    received_at = time.time_ns() // 1_000
    may_have_nul = b"\\u0000" in body
    ids: list[str] = []
    accepted: list[StreamedEvent] = []
    for event in events:
        sent_id = event.event_id
        if isinstance(sent_id, str):
            event_id = sent_id.lower()
        else:
            event_id = mint_event_id(received_at // 1_000) if id_of is None else id_of(len(ids))
        if sent_id is not msgspec.UNSET and not _is_event_id(event_id):
            raise Refused(Issue(("event_id",), "Invalid uuid", "invalid_string"))
        timestamp = microseconds(event.timestamp)
        if not EARLIEST <= timestamp <= LATEST:
            raise Refused(Issue(("timestamp",), "Outside the years 1 to 9999 in UTC", "invalid_string"))
        event_type, source = event.event_type, event.source
        if may_have_nul and ("\0" in event_type or "\0" in source):
            raise Refused(Issue((), "Must not contain NUL characters", "nul_character"))
        payload = metadata = "{}"
        if event.payload is not _EMPTY:
            payload = str(event.payload, "utf-8")
            check_object(payload, deepest=deepest)
        if event.metadata is not _EMPTY:
            metadata = str(event.metadata, "utf-8")
            check_object(metadata, deepest=deepest)
        ids.append(event_id)
        accepted.append(StreamedEvent(event_id, event_type, source, timestamp, received_at, payload, metadata))
    return Accepted(ids, _encode_lines(accepted))
