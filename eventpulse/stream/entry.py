"""A stream entry as its reader sees it: one flush of the API, with its place and its number."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from eventpulse.stream.split import unpack_places


@dataclass(frozen=True)
class Entry:
    """One stream entry: its id, the JSON lines it holds, and how many events its writer counted.

    `lines` is None where the entry has no field `events`; `fields` keeps everything then.
    """

    entry_id: str
    lines: bytes | None
    count: int
    fields: dict[bytes, bytes]

    @property
    def milliseconds(self) -> int:
        """When Redis took the entry, in milliseconds since 1970."""
        return int(self.entry_id.partition("-")[0])

    @property
    def sequence(self) -> int:
        """The number of the entry within its millisecond."""
        return int(self.entry_id.partition("-")[2])

    @property
    def received_at(self) -> datetime:
        """When Redis took the entry."""
        return datetime.fromtimestamp(self.milliseconds / 1000, UTC)

    @property
    def size(self) -> int:
        """Bytes of the events it holds."""
        return len(self.lines or b"")

    @property
    def line_count(self) -> int:
        """How many events it brings, readable or not; an entry of another shape is set aside as one."""
        return 1 if self.lines is None else self.lines.count(b"\n") + 1

    @cached_property
    def places(self) -> tuple[int, ...] | None:
        """Which events of their flush its lines are, where the flush was shared among shards; None: all from the first
        on."""
        return unpack_places(self.fields.get(b"places", b""), self.line_count)

    def place_of(self, line: int) -> int:
        """Which event of its flush a line is. Together with the id of the entry it is the same for no other event."""
        return line if self.places is None else self.places[line]

    @property
    def counter(self) -> str | None:
        """The id of the counter that counted its events; None where something else than the API wrote it."""
        counter = self.fields.get(b"counter", b"")
        named = counter.isalnum() and len(counter) <= 32 and self.accepted is not None
        return counter.decode() if named else None

    @property
    def accepted(self) -> int | None:
        """The running number of its last event: how many the counter had counted by then."""
        number = self.fields.get(b"accepted", b"")
        return int(number) if number.isdigit() and len(number) < 19 else None
