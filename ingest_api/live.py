"""New anomalies, changes of alerts and micro-batches, live: one subscription to Redis for each process, fanned out to
every open WebSocket."""

import asyncio
import logging
from collections.abc import Iterator, Set
from contextlib import contextmanager

import redis.asyncio
from redis.exceptions import RedisError

from eventpulse.stream.keys import ALERT_NOTIFICATIONS, ANOMALY_NOTIFICATIONS, BATCH_NOTIFICATIONS

#: A listener that has this many messages waiting is not listening.
MOST_WAITING = 1_000
#: What a listener can hear of, and the channel that tells of it.
CHANNELS = {"anomaly": ANOMALY_NOTIFICATIONS, "alert": ALERT_NOTIFICATIONS, "batch": BATCH_NOTIFICATIONS}
_TYPES = {channel.encode(): kind for kind, channel in CHANNELS.items()}
#: What a listener hears of who does not say: what the first clients knew.
ANOMALIES_ALONE = frozenset({"anomaly"})
_LONGEST_BACK_OFF_SECONDS = 5.0
_log = logging.getLogger(__name__)


class Listener:
    """One open WebSocket's share: messages in order, until it falls too far behind."""

    def __init__(self, most_waiting: int, types: Set[str] = ANOMALIES_ALONE) -> None:
        self.types = types
        self._messages: asyncio.Queue[str] = asyncio.Queue(most_waiting)
        self.fell_behind = asyncio.Event()

    async def next(self) -> str:
        """The next message, as soon as there is one."""
        return await self._messages.get()

    def give(self, message: str) -> None:
        """Add a message. Never waits: a listener whose queue is full has fallen behind, and gets nothing more."""
        if self.fell_behind.is_set():
            return
        try:
            self._messages.put_nowait(message)
        except asyncio.QueueFull:
            self.fell_behind.set()


class LiveAnomalies:
    """Passes each message of the channels to everybody who listens to its type, to the letter.

    Messages published while Redis is away are missed; GET /anomalies and GET /alerts have them.
    """

    def __init__(self, client: "redis.asyncio.Redis", *, most_waiting: int = MOST_WAITING) -> None:
        self._client = client
        self._most_waiting = most_waiting
        self._listeners: set[Listener] = set()
        self.subscribed = asyncio.Event()

    @contextmanager
    def listener(self, types: Set[str] = ANOMALIES_ALONE) -> Iterator[Listener]:
        """A listener for as long as the block lasts."""
        listener = Listener(self._most_waiting, types)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def tell(self, message: str, kind: str = "anomaly") -> None:
        """Pass a message to everybody who listens to its type now."""
        for listener in self._listeners:
            if kind in listener.types:
                listener.give(message)

    async def listen(self) -> None:
        """Stay subscribed, for ever; when Redis goes away, come back with it."""
        back_off = 0.1
        while True:
            try:
                async with self._client.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(*CHANNELS.values())
                    self.subscribed.set()
                    back_off = 0.1
                    while True:
                        message = await channel.get_message(timeout=10.0)
                        if message is not None:
                            kind = _TYPES.get(message["channel"], "anomaly")
                            self.tell(message["data"].decode(errors="replace"), kind)
            except (RedisError, OSError, TimeoutError) as fault:
                if self.subscribed.is_set():
                    _log.warning("Live anomalies pause: Redis went away (%s).", fault)
                self.subscribed.clear()
                await asyncio.sleep(back_off)
                back_off = min(back_off * 2, _LONGEST_BACK_OFF_SECONDS)
