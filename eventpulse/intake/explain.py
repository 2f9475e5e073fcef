"""Name every fault of a request that cannot be taken, so that its sender can mend it."""

from collections.abc import Callable
from typing import Any

import msgspec
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from eventpulse.intake.event_model import EventIn
from eventpulse.intake.json_objects import Issue, Refused, check_object, kind_of
from eventpulse.intake.sent_events import UNREADABLE, TooMany, read_event

MOST_ISSUES = 100
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_OBJECTS = ("payload", "metadata")


def faults_of_event(body: bytes, *, deepest: int) -> list[Issue]:
    """Every fault of one event; empty where it can be taken."""
    try:
        body.decode()
        fields = _decode_fields(body)
    except UNREADABLE as fault:
        return [_unreadable(body, fault, "object")]
    issues: list[Issue] = []
    sent: dict[str, Any] = {}
    for name, raw in fields.items():
        if name in _OBJECTS:
            issues += _faults_of_object(name, str(raw, "utf-8"), deepest)
        elif name in EventIn.model_fields:
            sent[name] = _value(str(raw, "utf-8"))
    try:
        EventIn.model_validate(sent)
    except ValidationError as faults:
        issues += [_as_issue(fault) for fault in faults.errors(include_url=False)]
    return issues


def faults_of_batch(body: bytes, *, split: Callable[[bytes], list[bytes]], most: int, deepest: int) -> list[Issue]:
    """The first hundred faults of a batch, each with the index of its event. Raises TooMany as reading does."""
    try:
        events = split(body)
    except UNREADABLE as fault:
        return [_unreadable(body, fault, "array")]
    if not events:
        return [Issue((), "Array must contain at least 1 element(s)", "too_small")]
    if len(events) > most:
        raise TooMany(len(events))
    issues: list[Issue] = []
    for index, event in enumerate(events):
        try:
            read_event(event, deepest=deepest)
        except UNREADABLE as fault:
            found = faults_of_event(event, deepest=deepest) or [Issue((), str(fault), "invalid_type")]
            issues += [issue.under(index) for issue in found]
            if len(issues) >= MOST_ISSUES:
                break
    return issues[:MOST_ISSUES]


def _faults_of_object(name: str, text: str, deepest: int) -> list[Issue]:
    try:
        check_object(text, deepest=deepest)
    except Refused as refused:
        return [issue.under(name) for issue in refused.issues]
    return []


def _value(text: str) -> Any:
    """A field that should be a string; anything else only needs to be recognised as what it is."""
    stand_ins: dict[str, Any] = {"object": {}, "array": [], "number": 0, "boolean": True, "null": None}
    kind = kind_of(text)
    return msgspec.json.decode(text) if kind == "string" else stand_ins[kind]


def _unreadable(body: bytes, fault: Exception, expected: str) -> Issue:
    match fault:
        case UnicodeDecodeError():
            return Issue((), f"Body is not valid UTF-8 (byte {fault.start})", "invalid_json")
        case RecursionError():
            return Issue((), "Nested too deeply", "too_deep")
        case msgspec.ValidationError():
            found = kind_of(body.decode().lstrip(" \t\r\n"))
            return Issue((), f"Expected {expected}, received {found}", "invalid_type")
        case _:
            return Issue((), f"Body is not valid JSON: {fault}", "invalid_json")


# The codes are those of zod, which clients of the API may look at; the messages too, where they say enough.
def _as_issue(fault: ErrorDetails) -> Issue:
    path, context = tuple(fault["loc"]), fault.get("ctx", {})
    match fault["type"]:
        case "missing":
            return Issue(path, "Required", "invalid_type")
        case "string_type":
            return Issue(path, f"Expected string, received {_kind(fault['input'])}", "invalid_type")
        case "string_too_short":
            return Issue(path, f"String must contain at least {context['min_length']} character(s)", "too_small")
        case "string_too_long":
            return Issue(path, f"String must contain at most {context['max_length']} character(s)", "too_big")
        case "string_pattern_mismatch":
            return Issue(path, "Invalid uuid", "invalid_string")
        case "timestamp":
            return Issue(path, fault["msg"], "invalid_string")
        case code:
            return Issue(path, fault["msg"], code)


def _kind(value: Any) -> str:
    return kind_of(msgspec.json.encode(value).decode())
