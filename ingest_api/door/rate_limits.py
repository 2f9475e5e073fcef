"""How much one client may send: requests and events a second, counted in the memory of this process.

Events are charged after they were read, so a client may go into debt with one batch; it waits until the debt is paid.
"""

import math
from collections import OrderedDict

#: Addresses that are remembered; whoever is forgotten starts anew, with a second's worth.
MOST_ADDRESSES = 10_000


class Bucket:
    """Tokens that come back evenly; a second's worth is kept at most."""

    __slots__ = ("_at", "_left", "_per_second")

    def __init__(self, per_second: int, now: float) -> None:
        self._per_second = per_second
        self._left = float(per_second)
        self._at = now

    def seconds_until(self, tokens: float, now: float) -> float:
        """How long until there are so many; 0.0 where there are."""
        self._left = min(self._left + (now - self._at) * self._per_second, float(self._per_second))
        self._at = now
        return max(0.0, (tokens - self._left) / self._per_second)

    def take(self, tokens: int) -> None:
        """Take so many, whether they are there or not."""
        self._left -= tokens


class Allowance:
    """What one client may send. A limit of 0 is none."""

    __slots__ = ("_events", "_events_per_second", "_requests", "_requests_per_second")

    def __init__(self, requests_per_second: int, events_per_second: int, now: float) -> None:
        self._requests_per_second, self._events_per_second = requests_per_second, events_per_second
        self._requests = Bucket(requests_per_second, now) if requests_per_second else None
        self._events = Bucket(events_per_second, now) if events_per_second else None

    def refuse(self, now: float) -> "TooMuch | None":
        """Why another request has to wait, or None: then it is counted."""
        if self._events and (wait := self._events.seconds_until(0.0, now)):
            return TooMuch(f"{self._events_per_second} events", wait)
        if self._requests:
            if wait := self._requests.seconds_until(1.0, now):
                return TooMuch(f"{self._requests_per_second} requests", wait)
            self._requests.take(1)
        return None

    def charge(self, events: int) -> None:
        """Count events that were taken."""
        if self._events:
            self._events.take(events)


class TooMuch:
    """A refusal: what the limit is, and when to come again."""

    def __init__(self, limit: str, wait: float) -> None:
        self.retry_after = max(1, math.ceil(wait))
        self.sentence = f"More than {limit} in a second. Nothing was taken; try again in {self.retry_after} s."


class AllowancesByAddress:
    """An allowance for each address, where there are no keys to tell clients apart."""

    def __init__(self, requests_per_second: int, events_per_second: int) -> None:
        self._limits = (requests_per_second, events_per_second)
        self._known: OrderedDict[str, Allowance] = OrderedDict()

    def of(self, address: str, now: float) -> Allowance | None:
        """The allowance of an address; None where there are no limits."""
        if not any(self._limits):
            return None
        if allowance := self._known.get(address):
            self._known.move_to_end(address)
            return allowance
        if len(self._known) >= MOST_ADDRESSES:
            self._known.popitem(last=False)
        allowance = self._known[address] = Allowance(*self._limits, now)
        return allowance
