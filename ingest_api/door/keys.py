"""The API keys that hold, in the memory of this process: no request waits for a server to have its key checked."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from eventpulse.api_key import ApiKey, Scope, hash_of
from ingest_api.door.rate_limits import Allowance
from ingest_api.door.session import Session


class KnownKey:
    """A key that holds, with what its client may still send."""

    __slots__ = ("allowance", "expires", "key", "opens", "used_at")

    def __init__(self, key: ApiKey, allowance: Allowance) -> None:
        self.key = key
        self.opens: frozenset[Scope] = key.opens
        self.expires = key.expires_at.timestamp() if key.expires_at else float("inf")
        self.allowance = allowance
        self.used_at = 0.0


class KnownKeys:
    """Every key and session as last heard. `complete` once PostgreSQL told them, rather than the copy in Redis."""

    def __init__(self, *, requests_per_second: int = 0, events_per_second: int = 0) -> None:
        """The limits are those of keys without their own."""
        self._limits = (requests_per_second, events_per_second)
        self._by_hash: dict[bytes, KnownKey] = {}
        self._by_prefix: dict[str, KnownKey] = {}
        self._ended_sessions: dict[str, float] = {}
        self.complete = False

    def find(self, key: bytes) -> KnownKey | None:
        """The key as it was sent, if it holds."""
        return _in_use(self._by_hash.get(hash_of(key)))

    def find_session(self, session: Session) -> KnownKey | None:
        """The key of a session, if both hold."""
        if session.number in self._ended_sessions or session.expires <= time.time():
            return None
        return _in_use(self._by_prefix.get(session.prefix))

    def holds(self, known: KnownKey) -> bool:
        """Whether a key that was found earlier still holds."""
        return _in_use(self._by_hash.get(known.key.hash)) is not None

    @property
    def any_admin(self) -> bool:
        """Whether some key opens everything."""
        return any("admin" in known.opens for known in self._by_hash.values())

    def learn(self, keys: Iterable[ApiKey], *, complete: bool) -> None:
        """These keys hold now, and no others. What a client may still send stays as it was."""
        before, now = self._by_hash, time.monotonic()
        known: dict[bytes, KnownKey] = {}
        for key in keys:
            key = replace(key, last_used_at=None)
            standing = before.get(key.hash)
            known[key.hash] = standing if standing and standing.key == key else KnownKey(key, self._allowance(key, now))
        self._by_hash = known
        self._by_prefix = {each.key.prefix: each for each in known.values()}
        self.complete = complete

    def learn_ended(self, sessions: Mapping[str, float]) -> None:
        """These sessions, by number, were ended before the second in which they would have expired."""
        now = time.time()
        ended = {**self._ended_sessions, **sessions}
        self._ended_sessions = {number: expires for number, expires in ended.items() if expires > now}

    def take_uses(self) -> dict[str, datetime]:
        """When each key was last used, by prefix, since this was asked the last time."""
        used = [known for known in self._by_hash.values() if known.used_at]
        uses = {known.key.prefix: datetime.fromtimestamp(known.used_at, UTC) for known in used}
        for known in used:
            known.used_at = 0.0
        return uses

    def _allowance(self, key: ApiKey, now: float) -> Allowance:
        requests, events = self._limits
        return Allowance(key.requests_per_second or requests, key.events_per_second or events, now)


def _in_use(known: KnownKey | None) -> KnownKey | None:
    if known is None:
        return None
    now = time.time()
    if now >= known.expires:
        return None
    known.used_at = now
    return known
