"""A copy in Redis of the keys that may send events, so that they do also where the API starts without PostgreSQL.

The copy opens nothing else than ingestion, which whoever can write to Redis has already.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec
import redis

from eventpulse.api_key import ApiKey
from eventpulse.stream.keys import INGEST_KEYS, KEYS_CHANGED


class _SharedKey(msgspec.Struct):
    prefix: str
    name: str
    hash: bytes
    created_at: datetime
    expires_at: datetime | None
    requests_per_second: int | None
    events_per_second: int | None


_read = msgspec.json.Decoder(list[_SharedKey]).decode


def copy_of(keys: Iterable[ApiKey]) -> bytes:
    """The copy, the same for the same keys."""
    shared = [
        _SharedKey(
            key.prefix,
            key.name,
            key.hash,
            key.created_at,
            key.expires_at,
            key.requests_per_second,
            key.events_per_second,
        )
        for key in sorted(keys, key=lambda key: key.prefix)
        if "ingest" in key.opens and key.revoked_at is None
    ]
    return msgspec.json.encode(shared)


def read_copy(copy: bytes) -> list[ApiKey]:
    """The keys of a copy. Raises ValueError where it is none."""
    return [
        ApiKey(
            key.prefix,
            key.name,
            frozenset({"ingest"}),
            key.hash,
            key.created_at,
            expires_at=key.expires_at,
            requests_per_second=key.requests_per_second,
            events_per_second=key.events_per_second,
        )
        for key in _read(copy)
    ]


def tell_keys_changed(client: "redis.Redis", usable: Iterable[ApiKey]) -> None:
    """Renew the copy and have every API look again, at once."""
    client.set(INGEST_KEYS, copy_of(usable))
    client.publish(KEYS_CHANGED, "")
