"""A message to people, or to a program of theirs: what it says, before any channel gives it a form."""

from typing import Any, Literal

import msgspec

from eventpulse.errors import EventPulseError


class UnreadableMessage(EventPulseError):
    """A message that was kept has another form than messages have now."""


MessageKind = Literal["firing", "resolved", "test", "digest"]


class AlertLine(msgspec.Struct, frozen=True):
    """One alert as a message tells of it. Texts are as they are, no markup in them. `expected` is what was expected, or
    the limit that was passed; `against` says which."""

    alert_id: str
    rule: str
    severity: str
    where: str
    says: str
    value: str | None
    expected: str | None
    since: str
    lasted: str | None
    state: str
    anomalies: int
    link: str
    runbook: str | None
    against: Literal["limit", "expected"] = "expected"


class Message(msgspec.Struct, frozen=True):
    """A message. `alerts` are the first few, `more` counts the others, and `summary` says something of all of them."""

    kind: MessageKind
    severity: str
    subject: str
    summary: list[str]
    firing: list[AlertLine]
    resolved: list[AlertLine]
    more: int
    link: str
    reminder: bool = False


def encode_message(message: Message) -> str:
    """The message as it is kept until it is sent."""
    return msgspec.json.encode(message).decode()


def read_message(document: Any) -> Message:
    """A message that was kept, from what its JSON text means. Raises UnreadableMessage."""
    try:
        return msgspec.convert(document, Message)
    except msgspec.ValidationError as fault:
        raise UnreadableMessage(f"The message was kept in a form that cannot be read: {fault}") from fault
