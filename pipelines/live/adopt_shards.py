"""Drain what another layout has left: the streams that no shard of today is for, until nothing is in them any more.

The leader of the first shard does it beside its own stream, step by step, over the same connection and with the same
memory. What is left there was accepted before, so anomalies found meanwhile are corrected as they are by late events.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psycopg
import redis

from eventpulse.database.leadership import release_leadership, wait_for_leadership
from eventpulse.stream.shards import Shard, remove_if_empty, shards_left
from pipelines.live.drain_stream import Drain

LOOK_EVERY_SECONDS = 5.0
#: A leader of another layout that lives still is asked for its lead so long: it sees that somebody waits.
_ASK_MILLISECONDS = 50


@dataclass
class Adoption:
    """The streams that a leader drains beside its own. `begin` makes the drain of a shard that it leads by then."""

    connection: psycopg.Connection
    client: "redis.Redis"
    present: Sequence[Shard]
    begin: Callable[[Shard], Drain]
    say: Callable[[str], None]
    _drains: dict[Shard, Drain] = field(default_factory=dict)
    _look_at: float = 0.0

    def step(self) -> bool:
        """Take one micro-batch from each adopted stream; true where there was any. Now and then, look for more."""
        if time.monotonic() >= self._look_at:
            self._look()
            self._look_at = time.monotonic() + LOOK_EVERY_SECONDS
        moved = False
        for shard, drain in list(self._drains.items()):
            if drain.step():
                moved = True
            elif remove_if_empty(self.client, shard):
                self._give_up(shard)
        return moved

    def give_up_all(self) -> None:
        """Leave what is left to whoever leads next."""
        for shard in list(self._drains):
            self._give_up(shard)

    def _look(self) -> None:
        for shard in shards_left(self.client, self.present):
            if shard in self._drains:
                continue
            if wait_for_leadership(self.connection, shard.number, at_most_milliseconds=_ASK_MILLISECONDS):
                self.say(f"Draining what another number of shards has left in {shard.stream}.")
                self._drains[shard] = self.begin(shard)

    def _give_up(self, shard: Shard) -> None:
        del self._drains[shard]
        release_leadership(self.connection, shard.number)
