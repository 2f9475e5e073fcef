"""Share the events of a flush among the shards, by their source, without losing the order in which they came.

Each shard gets one entry, all under the same id. Its field `places` says which events of the whole flush its lines are,
so that the order of acceptance is one over all shards: events with the same timestamp are told apart as if they had
come through one stream.
"""

import struct
from dataclasses import dataclass, field

import msgspec

from eventpulse.stream.shards import Shard, shard_of

_MOST_PLACES = 1 << 16


class _Sourced(msgspec.Struct):
    source: str = ""


_decode = msgspec.json.Decoder(_Sourced).decode


@dataclass
class Part:
    """What one shard gets of a flush."""

    shard: Shard
    lines: list[bytes] = field(default_factory=list)
    places: list[int] = field(default_factory=list)


def split(lines: bytes, count: int) -> list[Part]:
    """The parts of a flush of JSON lines for so many shards; only shards that get anything have one."""
    parts: dict[Shard, Part] = {}
    for place, line in enumerate(lines.removesuffix(b"\n").split(b"\n")):
        shard = shard_of(_source(line), count)
        if (part := parts.get(shard)) is None:
            part = parts[shard] = Part(shard)
        part.lines.append(line)
        part.places.append(place)
    return list(parts.values())


def _source(line: bytes) -> str:
    try:
        return _decode(line).source
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # no event of ours: set aside wherever it goes
        return ""


def pack_places(places: list[int]) -> bytes:
    """Places as they travel; empty where they are simply those from the first on."""
    if places[-1] == len(places) - 1:
        return b""
    return struct.pack(f"<{len(places)}H", *(min(place, _MOST_PLACES - 1) for place in places))


def unpack_places(packed: bytes, count: int) -> tuple[int, ...] | None:
    """The places of so many lines; None where they are those from the first on, or nothing that can be read."""
    return struct.unpack(f"<{count}H", packed) if packed and len(packed) == 2 * count else None
