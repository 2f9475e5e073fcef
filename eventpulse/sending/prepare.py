"""Make a line ready to be sent: see that it is a JSON object, give it an id, move its timestamp. No more than that."""

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from eventpulse.sending.lines import LONGEST_LINE, Line

_NAMESPACE = uuid.UUID("6f2b7d0e-3a51-5c1e-9a0c-8d5c3f1f7a11")
_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text_decoder = msgspec.json.Decoder(str)


@dataclass(frozen=True)
class Refusal:
    """A line that was not taken, and why, in words."""

    line_number: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Preparation:
    """What is done to every line of one file.

    `fingerprint` names the file. With `replace_ids` (a seed) every event gets an id of this one sending, otherwise only
    events without an id get one, which is the same whenever the same line of the same file is sent.
    """

    fingerprint: str
    shift: timedelta = timedelta(0)
    replace_ids: str | None = None

    def apply(self, line: Line) -> bytes | Refusal:
        """The line as it is sent. Numbers and text inside it stay byte for byte."""
        if line.too_long:
            return Refusal(line.number, (f"longer than {LONGEST_LINE // 2**20} MiB",))
        try:
            line.text.decode()
            event = _object_decoder.decode(line.text)
        except UnicodeDecodeError as fault:
            return Refusal(line.number, (f"not UTF-8 at byte {fault.start + 1}",))
        except msgspec.DecodeError as fault:
            return Refusal(line.number, (f"not a JSON object: {fault}",))
        changed = False
        if self.replace_ids or "event_id" not in event:
            event["event_id"] = _json_text(str(self._event_id(line)))
            changed = True
        if self.shift and "timestamp" in event and (moved := shifted(event["timestamp"], self.shift)):
            event["timestamp"] = moved
            changed = True
        return msgspec.json.encode(event) if changed else line.text

    def _event_id(self, line: Line) -> uuid.UUID:
        # The text of the line takes part, so that no two different events can ever share an id.
        name = f"{self.replace_ids or ''}:{self.fingerprint}:{line.number}:".encode() + line.text
        return uuid.UUID(bytes=hashlib.sha1(_NAMESPACE.bytes + name).digest()[:16], version=5)


def shifted(raw_timestamp: msgspec.Raw, shift: timedelta) -> msgspec.Raw | None:
    """A timestamp as JSON text, moved; None where it cannot be read, for the server to judge."""
    try:
        instant = datetime.fromisoformat(_text_decoder.decode(raw_timestamp))
        return _json_text((instant + shift).isoformat().replace("+00:00", "Z"))
    except (ValueError, OverflowError, msgspec.DecodeError):
        return None


def newest_timestamp(lines: Iterable[Line]) -> datetime | None:
    """The newest timestamp among lines; those that cannot be read do not count."""
    newest: datetime | None = None
    for line in lines:
        try:
            instant = _when_decoder.decode(line.text).timestamp
        except msgspec.DecodeError:
            continue
        if instant is not None:
            instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
            newest = instant if newest is None else max(newest, instant)
    return newest


class _When(msgspec.Struct):
    timestamp: datetime | None = None


_when_decoder = msgspec.json.Decoder(_When)


def _json_text(text: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(text))
