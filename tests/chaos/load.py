"""Clients that never stop: they post events one by one and in batches, and write down what they were answered.

What was answered 202 must be stored. What was not is either sent again with the same id until it is taken, or given
up: then it was refused (nothing may be stored), or its fate is unknown, which is allowed where a connection broke.
"""

import asyncio
import random
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import httpx2

SINGLES, BATCHES = 6, 2
_A_BATCH = 40
_PAUSE_SECONDS = 0.08
#: The words of a refusal that promises that nothing was stored.
_NOTHING_TAKEN = "Nothing was taken"


class Fate(StrEnum):
    """What a client knows of what it sent."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Attempt:
    """One post and its answer; status 0 where there was none."""

    sent_at: float
    seconds: float
    status: int
    says_when_to_return: bool


@dataclass
class Request:
    """One post, of one event or of many, over all its attempts. `sent_at` is of the last attempt."""

    events: list[dict[str, Any]]
    sent_at: float = 0.0
    fate: Fate = Fate.REFUSED
    may_be_stored: bool = False  # an earlier attempt, or the last, may have got through

    @property
    def first_id(self) -> str:
        """The id of its first event."""
        return str(self.events[0]["event_id"])


class Load:
    """Keeps posting from a thread of its own, from `start` until `stop`."""

    def __init__(self, url: str, tag: str, seed: int) -> None:
        self._url = f"{url}/api/v1/events"
        self._tag = tag
        self._random = random.Random(f"{seed} {tag}")
        self._stopping = threading.Event()
        self._giving_up = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._post()), name="load", daemon=True)
        self.requests: list[Request] = []
        self.attempts: list[Attempt] = []

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, within: float = 90.0, *, give_up: bool = False) -> None:
        """End when everything that is to be sent again has been taken, or given up."""
        self._giving_up = give_up
        self._stopping.set()
        self._thread.join(within)
        assert not self._thread.is_alive(), f"Clients could not get rid of their events within {within:.0f} s."

    @property
    def accepted(self) -> set[str]:
        """The ids of events that were answered with 202."""
        taken = [request for request in list(self.requests) if request.fate is Fate.ACCEPTED]
        return {event["event_id"] for request in taken for event in request.events}

    def accepted_after(self, instant: float) -> list[Request]:
        """The requests that were sent after this instant and taken."""
        return [one for one in list(self.requests) if one.fate is Fate.ACCEPTED and one.sent_at > instant]

    async def _post(self) -> None:
        async with httpx2.AsyncClient(timeout=4.0, limits=httpx2.Limits(max_connections=SINGLES + BATCHES)) as client:
            posters = [self._keep_posting(client, 1) for _ in range(SINGLES)]
            posters += [self._keep_posting(client, _A_BATCH) for _ in range(BATCHES)]
            await asyncio.gather(*posters)

    async def _keep_posting(self, client: httpx2.AsyncClient, count: int) -> None:
        while not self._stopping.is_set():
            request = Request([self._event() for _ in range(count)])
            self.requests.append(request)
            insists = self._random.random() < 0.7
            await self._attempt(client, request)
            while insists and request.fate is not Fate.ACCEPTED and not self._giving_up:
                await asyncio.sleep(self._random.uniform(0.05, 0.3))
                await self._attempt(client, request)
            if request.fate is Fate.ACCEPTED and self._random.random() < 0.03:
                await self._attempt(client, Request(request.events))  # once more, on purpose
            await asyncio.sleep(_PAUSE_SECONDS * self._random.uniform(0.5, 1.5))

    async def _attempt(self, client: httpx2.AsyncClient, request: Request) -> None:
        request.sent_at = time.time()
        single = len(request.events) == 1
        body: Any = request.events[0] if single else request.events
        status, says_when = 0, False
        try:
            answer = await client.post(self._url if single else f"{self._url}/batch", json=body)
        except httpx2.ConnectError:
            request.fate = Fate.UNKNOWN if request.may_be_stored else Fate.REFUSED
        except httpx2.HTTPError:
            request.fate, request.may_be_stored = Fate.UNKNOWN, True
        else:
            status, says_when = answer.status_code, "retry-after" in answer.headers
            if status == 202:
                request.fate = Fate.ACCEPTED
            elif _NOTHING_TAKEN in answer.text and not request.may_be_stored:
                request.fate = Fate.REFUSED
            else:
                request.fate, request.may_be_stored = Fate.UNKNOWN, True
        self.attempts.append(Attempt(request.sent_at, time.time() - request.sent_at, status, says_when))

    def _event(self) -> dict[str, Any]:
        """Mostly ordinary; now and then a login, which rules count, or a payment, which they add up. Some are late."""
        chance = self._random
        kind = chance.choices(("tick", "login", "payment"), (80, 16, 4))[0]
        late = chance.uniform(0.0, 20.0) if chance.random() < 0.1 else 0.0
        return {
            "event_id": str(UUID(int=chance.getrandbits(128), version=4)),
            "event_type": f"{self._tag}.{kind}",
            "source": chance.choice(("web1", "web2", "db")),
            "timestamp": (datetime.now(UTC) - timedelta(seconds=late)).isoformat(),
            "payload": {"user": f"user{chance.randrange(10)}", "amount": chance.choice((1, 2, 0.1, 17))},
        }
