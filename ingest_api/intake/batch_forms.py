"""The forms of a batch: a JSON array or lines of JSON; taken as a whole, or what can be taken of it."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

import msgspec
from fastapi import HTTPException
from starlette.requests import Request

from eventpulse.intake.explain import MOST_ISSUES, faults_of_event
from eventpulse.intake.json_objects import Issue
from eventpulse.intake.sent_events import UNREADABLE, Accepted, TooMany, read_batch, read_event, read_lines, split_lines

_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_LINES = (b"application/x-ndjson", b"application/ndjson", b"application/jsonl")


@dataclass(frozen=True, slots=True)
class BatchForm:
    """How the events of a batch are read as a whole, and how they are told apart where some are refused."""

    read: Callable[..., Accepted]
    split: Callable[[bytes], list[bytes]]


def split_array(body: bytes) -> list[bytes]:
    """The events of a JSON array. Raises one of UNREADABLE."""
    body.decode()
    return [bytes(event) for event in _decode_list(body)]


ARRAY = BatchForm(read_batch, split_array)
LINES = BatchForm(read_lines, split_lines)


def form_of(request: Request) -> BatchForm:
    """The form that the content type names; anything but lines is an array."""
    for name, value in request.scope["headers"]:
        if name == b"content-type":
            return LINES if value.partition(b";")[0].strip().lower() in _LINES else ARRAY
    return ARRAY


def skips_refused(request: Request) -> bool:
    """Whether `?on_error=skip` asks for those events that can be taken. Raises HTTPException 400."""
    query: bytes = request.scope["query_string"]
    if not query:
        return False
    wish = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("on_error", ["fail"])[0]
    if wish not in ("fail", "skip"):
        raise HTTPException(400, "on_error must be one of: fail, skip")
    return wish == "skip"


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """An event of a batch that was left out, and why."""

    index: int
    issues: list[Issue]


def read_valid(events: list[bytes], *, most: int, deepest: int) -> tuple[Accepted, list[RefusedEvent]]:
    """The events that can be taken, and those that cannot. Raises TooMany.

    Every fault is named of the first hundred that are refused; of the others the first one.
    """
    if len(events) > most:
        raise TooMany(len(events))
    ids: list[str] = []
    lines: list[bytes] = []
    refused: list[RefusedEvent] = []
    for index, event in enumerate(events):
        try:
            accepted = read_event(event, deepest=deepest)
        except UNREADABLE as fault:
            found = faults_of_event(event, deepest=deepest) if len(refused) < MOST_ISSUES else []
            refused.append(RefusedEvent(index, found or [Issue((), str(fault), "invalid_type")]))
        else:
            ids += accepted.event_ids
            lines.append(accepted.lines)
    return Accepted(ids, b"".join(lines)), refused
