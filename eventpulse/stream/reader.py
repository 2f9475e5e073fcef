"""The drain's side of the stream: take entries in order, acknowledge them, trim behind them.

Two questions in a fixed order: what did a dead leader take and not acknowledge (`unacknowledged`), then what is new
(`take`). Entries are only ever acknowledged after what they hold has been committed.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import redis
from redis.exceptions import NoScriptError

from eventpulse.errors import StreamUnavailable
from eventpulse.stream.entry import Entry
from eventpulse.stream.keys import DRAIN_CONSUMER, EVENTS_GROUP
from eventpulse.stream.shards import ONLY, Shard
from eventpulse.stream.trim import trim_behind

_PAGE = 100
_MOST_ENTRIES_A_READ = 2_048


class StreamReader:
    """Reads one shard's stream as the one consumer of the drain's group."""

    def __init__(self, client: "redis.Redis", shard: Shard = ONLY) -> None:
        self._client = client
        self._shard = shard
        self._stream = shard.stream
        self._count = 16  # entries to ask for at once; follows how many events an entry holds

    def prepare(self) -> None:
        """Make the group where it is missing, from the first entry on."""
        with _translated():
            if self._has_group():  # asked first: a Redis without free memory refuses to make what is there already
                return
            try:
                self._client.xgroup_create(self._stream, EVENTS_GROUP, id="0", mkstream=True)
            except redis.ResponseError as fault:
                if "BUSYGROUP" not in str(fault):
                    raise

    def unacknowledged(self) -> Iterator[list[Entry]]:
        """What this consumer was given and did not acknowledge, oldest first, in pages."""
        after = "0"
        while found := self._ask(after, count=_PAGE, block=None):
            if gone := [entry_id for entry_id, fields in found if fields is None]:
                with _translated():
                    self._client.xack(self._stream, EVENTS_GROUP, *gone)  # somebody has deleted them; nothing is left
            yield _entries(found)
            after = found[-1][0].decode()

    def held(self) -> int:
        """How many entries drains were given and have not acknowledged. The leader alone should hold any."""
        with _translated():
            summary: Any = self._client.xpending(self._stream, EVENTS_GROUP)
            return int(summary["pending"])

    def claim_abandoned(self) -> set[str]:
        """Make entries that other consumers of the group hold our own pending ones; the ids of those there were.

        Only the leader of the shard may ask: whoever else holds entries is dead or no drain of ours.
        """
        with _translated():
            claimed: set[str] = set()
            for consumer in self._client.xinfo_consumers(self._stream, EVENTS_GROUP):
                if consumer["name"] == DRAIN_CONSUMER.encode():
                    continue
                while ids := self._held_by(consumer["name"]):
                    if not self._client.xclaim(self._stream, EVENTS_GROUP, DRAIN_CONSUMER, 0, ids, justid=True):
                        break  # the entries themselves are gone
                    claimed.update(str(entry_id, "ascii") for entry_id in ids)
            return claimed

    def _held_by(self, consumer: bytes) -> list[Any]:
        held: Any = self._client.xpending_range(
            self._stream, EVENTS_GROUP, min="-", max="+", count=1000, consumername=consumer
        )
        return [one["message_id"] for one in held]

    def take(self, *, max_events: int, max_bytes: int, block_milliseconds: int) -> list[Entry]:
        """New entries, oldest first: waits for the first one at most so long, then takes all there is up to the caps.

        A cap is passed by at most what one read brings; entries are never split.
        """
        taken = self._read(">", count=self._count, block=block_milliseconds)
        events, size = _events(taken), sum(entry.size for entry in taken)
        asked = self._count
        while taken and len(taken) >= asked and events < max_events and size < max_bytes:
            per_entry = max(1.0, events / len(taken))
            bytes_per_entry = max(1.0, size / len(taken))
            wanted = min((max_events - events) / per_entry, (max_bytes - size) / bytes_per_entry)
            count = max(1, min(_MOST_ENTRIES_A_READ, int(wanted)))
            more = self._read(">", count=count, block=None)
            taken += more
            asked += count
            events, size = events + _events(more), size + sum(entry.size for entry in more)
            self._count = max(1, min(256, count))
        return taken

    def acknowledge(self, entries: Sequence[Entry]) -> None:
        """Acknowledge entries whose contents are committed, and trim the stream up to the first one anybody holds."""
        if not entries:
            return
        ids, last = [entry.entry_id for entry in entries], entries[-1]
        with _translated():
            try:
                self._acknowledge(ids, last)
            except NoScriptError:  # a server that has just been started; acknowledging again changes nothing
                self._acknowledge(ids, last, in_full=True)

    def _acknowledge(self, ids: Sequence[str], last: Entry, *, in_full: bool = False) -> None:
        pipe = self._client.pipeline(transaction=True)
        pipe.xack(self._stream, EVENTS_GROUP, *ids)
        trim_behind(pipe, self._shard, last, in_full=in_full)
        pipe.execute()

    def _has_group(self) -> bool:
        try:
            groups: Any = self._client.xinfo_groups(self._stream)
        except redis.ResponseError:  # no such key
            return False
        return any(group["name"] == EVENTS_GROUP.encode() for group in groups)

    def _read(self, after: str, *, count: int, block: int | None) -> list[Entry]:
        return _entries(self._ask(after, count=count, block=block))

    def _ask(self, after: str, *, count: int, block: int | None) -> list[tuple[bytes, dict[bytes, bytes] | None]]:
        with _translated():
            try:
                answer: Any = self._client.xreadgroup(
                    EVENTS_GROUP, DRAIN_CONSUMER, {self._stream: after}, count=count, block=block
                )
            except redis.ResponseError as fault:
                if "NOGROUP" not in str(fault):
                    raise
                self.prepare()  # Redis was emptied or replaced under us
                return []
        found: list[tuple[bytes, dict[bytes, bytes] | None]] = (answer or {}).get(self._stream.encode(), [])
        return found


def _entries(found: Sequence[tuple[bytes, dict[bytes, bytes] | None]]) -> list[Entry]:
    return [_entry(entry_id, fields) for entry_id, fields in found if fields is not None]


def _entry(entry_id: bytes, fields: dict[bytes, bytes]) -> Entry:
    lines = fields.get(b"events")
    if lines is not None:
        lines = lines.removesuffix(b"\n")  # JSON lines may end the last line like the others
    count = fields.get(b"count", b"")
    return Entry(entry_id.decode(), lines, int(count) if count.isdigit() and len(count) < 19 else 0, fields)


def _events(entries: Sequence[Entry]) -> int:
    return sum(entry.count for entry in entries)


class _translated:
    """Turns redis-py's errors about an unreachable or refusing server into ours."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, redis.ConnectionError | redis.TimeoutError | redis.ReadOnlyError):
            raise StreamUnavailable(f"Redis cannot be reached while draining ({type(fault).__name__}).") from fault
