"""Send in threads, at most one message of a channel at a time: a slow or dead channel delays no other.

The threads touch no database. What becomes of a message goes back to the sender, which alone writes it down.
"""

import queue
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from eventpulse.notify.outcome import Outcome, failed

#: Doors have time limits of their own; whoever is not back after so long is not waited for.
LONGEST_SECONDS = 60.0


@dataclass(frozen=True)
class Returned:
    """What became of a message of a channel."""

    channel_id: UUID
    delivery_id: UUID
    outcome: Outcome


class ChannelThreads:
    """The messages that are underway. `wakes` becomes readable when one comes back."""

    def __init__(self) -> None:
        self._underway: dict[UUID, tuple[UUID, float]] = {}
        self._returned: queue.SimpleQueue[Returned] = queue.SimpleQueue()
        self.wakes, self._wake = socket.socketpair()
        self.wakes.setblocking(False)
        self._wake.setblocking(False)

    def is_busy(self, channel_id: UUID) -> bool:
        """Whether a message of the channel is underway."""
        return channel_id in self._underway

    @property
    def any_busy(self) -> bool:
        """Whether any message is underway."""
        return bool(self._underway)

    def start(self, channel_id: UUID, delivery_id: UUID, send: Callable[[], Outcome]) -> None:
        """Send in a thread of its own."""
        self._underway[channel_id] = (delivery_id, time.monotonic())

        def run() -> None:
            try:
                outcome = send()
            except Exception as fault:  # whatever a door did not foresee concerns its channel alone
                outcome = failed(f"The message could not be sent ({type(fault).__name__}).")
            self._returned.put(Returned(channel_id, delivery_id, outcome))
            with suppress(OSError):  # it is awake already, or gone
                self._wake.send(b"x")

        threading.Thread(target=run, name=f"channel {channel_id}", daemon=True).start()

    def take_returned(self) -> list[Returned]:
        """What has come back, and what is not waited for any more."""
        found = []
        while not self._returned.empty():
            returned = self._returned.get_nowait()
            underway = self._underway.get(returned.channel_id)
            if underway is not None and underway[0] == returned.delivery_id:  # else it was given up long ago
                found.append(returned)
        now = time.monotonic()
        for channel_id, (delivery_id, since) in self._underway.items():
            if now - since > LONGEST_SECONDS and all(each.channel_id != channel_id for each in found):
                why = failed(f"The channel did not come back within {LONGEST_SECONDS:.0f} s.")
                found.append(Returned(channel_id, delivery_id, why))
        for returned in found:
            del self._underway[returned.channel_id]
        return found

    def close(self) -> None:
        """Wait for nobody any more."""
        self.wakes.close()
        self._wake.close()
