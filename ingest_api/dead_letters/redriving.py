"""Send dead letters through the stream again, as events like any other: counted, stored once, judged.

1. The event is read as at the door; where it can't be, the letter stays as it is, and its faults are named.
2. In the same transaction the intention is written down, with the event's id.
3. The event goes into the stream.
4. The letter is marked as redriven, unless somebody has edited it meanwhile.

A crash after 2 leaves a letter `redriving`. It can be redriven again: the id is the same, so the event is stored once.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

import msgspec
from sqlalchemy import Engine, Row
from starlette.concurrency import run_in_threadpool

from eventpulse.clock import iso_utc
from eventpulse.database.ledger.dead_letters import LetterFilter, letters_to_redrive, note_redriven, note_redriving
from eventpulse.database.transactions import writing
from eventpulse.event import EARLIEST, LATEST, StreamedEvent
from eventpulse.intake.explain import faults_of_event
from eventpulse.intake.json_objects import Issue
from eventpulse.intake.sent_events import UNREADABLE, read_event
from eventpulse.intake.timestamps import EPOCH
from eventpulse.stream.publisher import Publisher

_decode_line = msgspec.json.Decoder(StreamedEvent).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class _WithId(msgspec.Struct):
    event_id: UUID


@dataclass(frozen=True)
class Ready:
    """A letter that can be redriven: its event's id, and the event as a line for the stream."""

    dead_letter_id: int
    event_id: UUID
    lines: bytes


@dataclass(frozen=True)
class Unfit:
    """A letter that can't be redriven as it is, and why."""

    dead_letter_id: int
    issues: list[Issue]


@dataclass(frozen=True)
class Looked:
    """What became of some letters that were looked at; `through` is the last of them."""

    ready: list[Ready]
    unfit: list[Unfit]
    through: int | None


async def redrive(
    wanted: LetterFilter,
    database: Engine,
    publisher: Publisher,
    *,
    limit: int,
    deepest: int,
    dry_run: bool,
    after: int = 0,
) -> Looked:
    """Redrive the oldest letters behind an id. Raises StreamUnavailable or BacklogFull; what was not done is noted."""

    def look() -> Looked:
        with writing(database) as connection:
            letters = letters_to_redrive(connection, wanted, limit=limit, after=after)
            prepared = [prepare(letter, deepest=deepest) for letter in letters]
            ready = [letter for letter in prepared if isinstance(letter, Ready)]
            if ready and not dry_run:
                note_redriving(connection, {letter.dead_letter_id: letter.event_id for letter in ready})
        unfit = [letter for letter in prepared if isinstance(letter, Unfit)]
        return Looked(ready, unfit, letters[-1].dead_letter_id if letters else None)

    def note_done() -> None:
        with writing(database) as connection:
            note_redriven(connection, [letter.dead_letter_id for letter in looked.ready])

    looked = await run_in_threadpool(look)
    if looked.ready and not dry_run:
        await publisher.publish(b"".join(letter.lines for letter in looked.ready), len(looked.ready))
        await run_in_threadpool(note_done)
    return looked


def prepare(letter: Row, *, deepest: int) -> Ready | Unfit:
    """Read the event of a letter: the edited one, or what came in."""
    event = with_id(event_of(letter), id_of(letter))
    try:
        accepted = read_event(event, deepest=deepest)
    except UNREADABLE as fault:
        faults = faults_of_event(event, deepest=deepest) or [Issue((), str(fault), "invalid_type")]
        return Unfit(letter.dead_letter_id, faults)
    return Ready(letter.dead_letter_id, UUID(accepted.event_ids[0]), accepted.lines)


def event_of(letter: Row) -> bytes:
    """The event of a letter as a client would send it: as edited, or as it came; what can't be read stays as it is."""
    return bytes(letter.edited) if letter.edited is not None else as_sent(bytes(letter.raw))


def as_sent(raw: bytes) -> bytes:
    """A line of the stream as a client would have sent it; anything else as it is."""
    try:
        line = _decode_line(raw)
        parts = {
            "event_id": line.event_id,
            "event_type": line.event_type,
            "source": line.source,
            "timestamp": iso_utc(EPOCH + timedelta(microseconds=line.timestamp)),
            "payload": msgspec.Raw(line.payload.encode()),
            "metadata": msgspec.Raw(line.metadata.encode()),
        }
        sent = _encode(parts)
        _decode_fields(sent)
    except (msgspec.DecodeError, UnicodeError, OverflowError, RecursionError):
        return raw
    return sent if EARLIEST <= line.timestamp <= LATEST else raw


def id_of(letter: Row) -> UUID:
    """The id its event gets where it names none: the one that came in, or else always the same for the same letter."""
    return letter.event_id or _id_in(bytes(letter.raw)) or uuid5(NAMESPACE_OID, f"{letter.entry} {letter.line}")


def _id_in(raw: bytes) -> UUID | None:
    try:
        return msgspec.json.decode(as_sent(raw), type=_WithId).event_id
    except UNREADABLE:
        return None


def with_id(event: bytes, event_id: UUID) -> bytes:
    """The event with an id, if it is an object that has none."""
    try:
        fields = _decode_fields(event)
    except UNREADABLE:
        return event
    if "event_id" in fields:
        return event
    return _encode({"event_id": event_id, **fields})
