"""How much waits in the stream, and for how long."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import redis

from eventpulse.stream.keys import EVENTS_GROUP
from eventpulse.stream.shards import Shard, shards_left, shards_of


@dataclass(frozen=True)
class Backlog:
    """Entries that are accepted and not committed yet: `pending` of them are in the hands of a drain.

    `oldest_seconds` is how long the oldest of them has waited, by the clock of Redis; None where nothing waits.
    """

    entries: int
    pending: int
    oldest_seconds: float | None


def read_backlog(client: "redis.Redis", shards: int = 1) -> Backlog:
    """The backlog of all shards together, as it is now."""
    return together(backlogs(client, shards))


def backlogs(client: "redis.Redis", shards: int = 1) -> dict[int, Backlog]:
    """The backlog of each shard, by its number; also of what another number of shards has left."""
    present = shards_of(shards)
    return {shard.number: backlog_of(client, shard) for shard in [*present, *shards_left(client, present)]}


def together(each: Mapping[int, Backlog]) -> Backlog:
    """The backlog of several shards as one."""
    oldest = [one.oldest_seconds for one in each.values() if one.oldest_seconds is not None]
    entries, pending = sum(one.entries for one in each.values()), sum(one.pending for one in each.values())
    return Backlog(entries, pending, max(oldest, default=None))


def backlog_of(client: "redis.Redis", shard: Shard) -> Backlog:
    """The backlog of one shard."""
    stream = shard.stream
    group = _group(client, stream)
    if group is None:
        length = int(client.xlen(stream))
        return Backlog(length, 0, _age(client, _first_after(client, stream, "-")))
    pending = int(group["pending"])
    lag = group.get("lag")  # Redis 6.2 does not know it; drained entries are trimmed, so the length stands in for it
    entries = int(client.xlen(stream)) if lag is None else pending + int(lag)
    if pending:
        summary: Any = client.xpending(stream, EVENTS_GROUP)
        oldest = summary["min"]
    else:
        oldest = _first_after(client, stream, f"({_text(group['last-delivered-id'])}") if entries else None
    return Backlog(entries, pending, _age(client, oldest))


def _group(client: "redis.Redis", stream: str) -> dict[str, Any] | None:
    try:
        groups: Any = client.xinfo_groups(stream)
    except redis.ResponseError:  # no such key: nothing was ever accepted
        return None
    return next((group for group in groups if _text(group["name"]) == EVENTS_GROUP), None)


def _first_after(client: "redis.Redis", stream: str, start: str) -> bytes | None:
    found: Any = client.xrange(stream, min=start, count=1)
    return found[0][0] if found else None


def _age(client: "redis.Redis", entry_id: bytes | str | None) -> float | None:
    if entry_id is None:
        return None
    seconds, microseconds = client.time()
    milliseconds = int(_text(entry_id).partition("-")[0])
    return max(0.0, seconds + microseconds / 1e6 - milliseconds / 1e3)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
