"""Keep the known keys up to date in the background.

PostgreSQL has the keys. While it is away, those known last go on to hold; a process that starts meanwhile takes the
copy in Redis, which opens ingestion alone.
"""

import asyncio
import logging
import time
from typing import Any

import anyio.to_thread
import redis.asyncio
from redis.exceptions import RedisError
from sqlalchemy import Engine

from eventpulse.api_key import ApiKey
from eventpulse.database.api_keys import NO_ADMIN_KEY, note_uses, usable_keys
from eventpulse.database.transactions import reading, writing
from eventpulse.errors import DatabaseUnavailable, SettingsError
from eventpulse.stream.keys import ENDED_SESSIONS, INGEST_KEYS, KEYS_CHANGED
from eventpulse.stream.shared_keys import copy_of, read_copy
from ingest_api.door.keys import KnownKeys
from ingest_api.door.session import Session

#: How old the keys may be where nobody tells of a change.
LOOK_EVERY_SECONDS = 2.0
_POSTGRESQL_WITHIN_SECONDS = 5.0
_REDIS_WITHIN_SECONDS = 1.0
_NOTE_USES_EVERY_SECONDS = 30.0
_REDIS_IS_AWAY = (RedisError, OSError, TimeoutError)
_log = logging.getLogger(__name__)


class KeyWatch:
    """Looks for changes of keys and sessions, once somebody wants to know them."""

    def __init__(self, known: KnownKeys, engine: Engine, client: "redis.asyncio.Redis") -> None:
        self._known = known
        self._engine = engine
        self._client = client
        self._wanted = asyncio.Event()
        self._news = asyncio.Event()
        self._looked = asyncio.Event()
        self._loading: asyncio.Task[list[ApiKey]] | None = None
        self._copy: bytes | None = None
        self._uses_noted_at = time.monotonic()

    def want(self) -> None:
        """Begin to look."""
        self._wanted.set()

    async def begin(self) -> None:
        """Look before anybody is let in. Raises SettingsError where no key opens everything: nobody could come in."""
        await self.look()
        self.want()
        if self._known.complete and not self._known.any_admin:
            raise SettingsError(NO_ADMIN_KEY)

    async def look(self) -> None:
        """Learn the present keys and the ended sessions, each from the best source that answers."""
        keys = await self._load()
        if keys is not None:
            self._known.learn(keys, complete=True)
            await self._renew_copy(keys)
        elif not self._known.complete:
            await self._take_copy()
        await self._learn_ended_sessions()
        looked, self._looked = self._looked, asyncio.Event()
        looked.set()

    async def next_look(self) -> None:
        """Return when the keys have been looked at again."""
        await self._looked.wait()

    async def watch(self) -> None:
        """Look every other second and at every change, for ever."""
        await self._wanted.wait()
        listening = asyncio.create_task(self._listen())
        try:
            while True:
                await self.look()
                if time.monotonic() - self._uses_noted_at > _NOTE_USES_EVERY_SECONDS:
                    await self.note_uses()
                await _set_within(self._news, LOOK_EVERY_SECONDS)
                self._news.clear()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def note_uses(self) -> None:
        """Write down when keys were used. What cannot be written is forgotten: it is only a hint for people."""
        self._uses_noted_at = time.monotonic()
        uses = self._known.take_uses()
        if not uses or not self._known.complete:
            return

        def write() -> None:
            with writing(self._engine) as connection:
                note_uses(connection, uses)

        try:
            async with asyncio.timeout(_POSTGRESQL_WITHIN_SECONDS):
                await anyio.to_thread.run_sync(write, abandon_on_cancel=True)
        except (DatabaseUnavailable, TimeoutError):
            pass

    async def close(self) -> None:
        """Write down the last uses, and leave no question on its way to PostgreSQL."""
        if self._loading is not None:
            await asyncio.wait({self._loading}, timeout=_POSTGRESQL_WITHIN_SECONDS)
        await self.note_uses()

    async def end_session(self, session: Session) -> None:
        """Make a session hold no longer, here at once and in other processes as soon as they look."""
        self._known.learn_ended({session.number: session.expires})
        try:
            async with asyncio.timeout(_REDIS_WITHIN_SECONDS):
                await self._client.zadd(ENDED_SESSIONS, {session.number: session.expires})
                await self._client.publish(KEYS_CHANGED, "")
        except _REDIS_IS_AWAY as fault:
            _log.warning("A session was ended in this process alone: Redis does not answer (%s).", fault)

    async def _load(self) -> list[ApiKey] | None:
        """The keys in PostgreSQL, or None. While it leaves a question unanswered, it is not asked another one."""

        def load() -> list[ApiKey]:
            with reading(self._engine) as connection:
                return usable_keys(connection)

        if self._loading is None:
            self._loading = asyncio.create_task(anyio.to_thread.run_sync(load, abandon_on_cancel=True))
        done, _ = await asyncio.wait({self._loading}, timeout=_POSTGRESQL_WITHIN_SECONDS)
        if not done:
            return None
        loading, self._loading = self._loading, None
        try:
            return loading.result()
        except DatabaseUnavailable:
            return None

    async def _renew_copy(self, keys: list[ApiKey]) -> None:
        copy = copy_of(keys)
        if copy == self._copy:
            return
        try:
            async with asyncio.timeout(_REDIS_WITHIN_SECONDS):
                await self._client.set(INGEST_KEYS, copy)
        except _REDIS_IS_AWAY:
            return  # the next look tries again
        self._copy = copy

    async def _take_copy(self) -> None:
        try:
            async with asyncio.timeout(_REDIS_WITHIN_SECONDS):
                copy: Any = await self._client.get(INGEST_KEYS)
            if copy is not None:
                self._known.learn(read_copy(copy), complete=False)
        except (*_REDIS_IS_AWAY, ValueError) as fault:
            _log.warning("No API key is known: PostgreSQL does not answer, and neither does Redis (%s).", fault)

    async def _learn_ended_sessions(self) -> None:
        try:
            async with asyncio.timeout(_REDIS_WITHIN_SECONDS):
                await self._client.zremrangebyscore(ENDED_SESSIONS, "-inf", time.time())
                ended: Any = await self._client.zrange(ENDED_SESSIONS, 0, -1, withscores=True)
        except _REDIS_IS_AWAY:
            return
        self._known.learn_ended({number.decode(): float(expires) for number, expires in ended})

    async def _listen(self) -> None:
        """Hear of changes that others made, for ever."""
        while True:
            try:
                async with self._client.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(KEYS_CHANGED)
                    while True:
                        if await channel.get_message(timeout=10.0) is not None:
                            self._news.set()
            except _REDIS_IS_AWAY:
                await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
