"""Send one file: cut it into requests, keep a few of them in flight, note what is settled after each answer."""

import asyncio
import time
from collections.abc import Callable

import msgspec

from eventpulse.errors import EventPulseError
from eventpulse.sending.batches import cut_batches
from eventpulse.sending.lines import LineFile
from eventpulse.sending.pace import Pace
from eventpulse.sending.post import REQUESTS_IN_FLIGHT, Poster
from eventpulse.sending.prepare import Preparation, Refusal
from eventpulse.sending.progress_file import Sending


class Stopped(EventPulseError):
    """A line was refused and refused lines are not to be skipped."""


async def send_file(
    file: LineFile,
    sending: Sending,
    preparation: Preparation,
    poster: Poster,
    *,
    pace: Pace,
    most_events: int,
    skip_refused: bool,
    note: Callable[[Sending], None],
    on_refusal: Callable[[Refusal], None],
) -> Sending:
    """Send every line of `file` that is not settled yet, in order, and return what is settled at the end.

    `note` is called after each answered request, with everything settled by then. Raises Stopped at a refused line
    that is not to be skipped, once the requests in flight have been answered.
    """
    batches = cut_batches(file, preparation, sending.settled, most_events=most_events)
    stopped = False

    async def take_and_post() -> None:
        nonlocal sending, stopped
        # No `for`: it would close the generator that several takers share.
        while not stopped and (batch := next(batches, None)) is not None:
            await asyncio.sleep(pace.seconds_until_start(len(batch.events), time.monotonic()))
            if batch.unsendable and not skip_refused:
                stopped = True
                on_refusal(batch.unsendable[0])
                return
            outcome = await poster.post(batch.events, batch.line_numbers)
            refusals = sorted(outcome.refusals + batch.unsendable, key=lambda refusal: refusal.line_number)
            for refusal in refusals:
                on_refusal(refusal)
            if refusals and not skip_refused:
                stopped = True
                return
            settled = sending.settled.with_span(batch.span, accepted=outcome.accepted, refused=len(refusals))
            sending = msgspec.structs.replace(sending, settled=settled)
            note(sending)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(REQUESTS_IN_FLIGHT):
                group.create_task(take_and_post())
    except BaseExceptionGroup as faults:
        raise faults.exceptions[0] from None
    if stopped:
        raise Stopped(f"Stopped at a refused line of {file.name}. Correct it, or go on with --on-refused skip.")
    return sending
