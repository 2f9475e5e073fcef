"""Post events to the batch route until every one of them is accepted or refused."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2

from eventpulse.clock import utc_now
from eventpulse.errors import EventPulseError
from eventpulse.sending.answers import AllRefused, Answer, Denied, Later, SomeRefused, Taken, Trouble, read_answer
from eventpulse.sending.batches import json_array
from eventpulse.sending.prepare import Refusal

# One: with more, requests overtake each other, and a file's order of acceptance would differ from its own order.
REQUESTS_IN_FLIGHT = 1
_LONGEST_BACK_OFF = 15.0


class ApiUnreachable(EventPulseError):
    """The API does not answer."""


class ApiRefuses(EventPulseError):
    """The API answers, but will take no events from us."""


@dataclass
class Outcome:
    """What became of the events of one batch. In doubt (`unsent`) are those that were not tried again."""

    accepted: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    unsent: int = 0

    def add(self, other: "Outcome") -> None:
        """Count what became of another part of the batch."""
        self.accepted += other.accepted
        self.refusals += other.refusals
        self.unsent += other.unsent


class Poster:
    """One server. A pause that it asks for holds up every request; `on_pause` is told why."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        base_url: str,
        *,
        skip_refused: bool,
        patience_seconds: float = 30.0,
        on_pause: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._client = client
        self._base_url = base_url
        self._route = base_url + "/api/v1/events/batch"
        self._skip_refused = skip_refused
        self._patience = patience_seconds
        self._on_pause = on_pause
        self._paused_until = 0.0
        self._pauses = 0
        self._answered_at: float | None = None

    async def post(self, events: list[bytes], line_numbers: list[int]) -> Outcome:
        """Send events; those the server names are refused, the others go again without them.

        Where refused events are not skipped, the rest of such a batch is left `unsent`.
        """
        if not events:
            return Outcome()
        answer = await self._answer(events)
        match answer:
            case Taken():
                return Outcome(accepted=len(events))
            case SomeRefused(reasons):
                outcome = Outcome(refusals=[Refusal(line_numbers[i], why) for i, why in sorted(reasons.items())])
                kept = [i for i in range(len(events)) if i not in reasons]
                if self._skip_refused:
                    outcome.add(await self.post([events[i] for i in kept], [line_numbers[i] for i in kept]))
                else:
                    outcome.unsent = len(kept)
                return outcome
            case AllRefused(reason) if len(events) == 1:
                return Outcome(refusals=[Refusal(line_numbers[0], (reason,))])
            case AllRefused():
                half = len(events) // 2
                outcome = await self.post(events[:half], line_numbers[:half])
                if outcome.refusals and not self._skip_refused:
                    outcome.unsent += len(events) - half
                else:
                    outcome.add(await self.post(events[half:], line_numbers[half:]))
                return outcome
            case Denied(reason):
                raise ApiRefuses(reason)
        raise AssertionError(answer)

    async def _answer(self, events: list[bytes]) -> Answer:
        body = json_array(events)
        failing_since: float | None = None
        while True:
            while (wait := self._paused_until - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            answer = await self._once(body, len(events))
            if isinstance(answer, Later):
                failing_since = None
                self._pause(answer.seconds, f"the server asks for a pause ({answer.reason})")
            elif isinstance(answer, Trouble):
                now = time.monotonic()
                failing_since = failing_since or now
                if self._answered_at is None or now - failing_since > self._patience:
                    raise ApiUnreachable(
                        f"{self._base_url} takes no events: {answer.reason}. "
                        "Is EventPulse running there? The same command goes on once it is."
                    )
                self._pause(0.5, answer.reason)
            else:
                self._answered_at = time.monotonic()
                self._pauses = 0
                return answer

    async def _once(self, body: bytes, events: int) -> Answer:
        try:
            response = await self._client.post(self._route, content=body, headers={"content-type": "application/json"})
        except httpx2.RequestError as fault:
            return Trouble(_in_words(fault))
        return read_answer(response.status_code, response.headers, response.content, events=events, now=utc_now())

    def _pause(self, seconds: float, reason: str) -> None:
        now = time.monotonic()
        if now < self._paused_until:
            return  # another request has been told the same
        if self._pauses:
            seconds = max(seconds, min(0.25 * 2**self._pauses, _LONGEST_BACK_OFF))
        self._pauses = min(self._pauses + 1, 10)
        self._paused_until = now + seconds
        self._on_pause(f"waiting {seconds:.1f} s: {reason}")


def _in_words(fault: httpx2.RequestError) -> str:
    match fault:
        case httpx2.ConnectError() | httpx2.ConnectTimeout():
            return "nothing answers there"
        case httpx2.TimeoutException():
            return "no answer in time"
        case _:
            return f"the connection broke ({fault})" if str(fault) else "the connection broke"
