"""Send notifications: outbox → route → gather → settle → send → note, each step committed before the next begins."""

import random
import select
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from eventpulse.clock import Clock, utc_now
from eventpulse.database.notifications import deliveries
from eventpulse.database.notifications.channels import OUTBOX
from eventpulse.database.notifications.deliveries import Gathered, Ids
from eventpulse.errors import EventPulseError
from eventpulse.notify.address_box import AddressBox
from eventpulse.notify.outcome import Outcome, refused
from eventpulse.notify.send import Address, send
from pipelines.notifying.channel_threads import ChannelThreads, Returned
from pipelines.notifying.route_intents import look_at_held, route_some
from pipelines.notifying.write_messages import Outgoing, write_next
from rules.routing.active_hours import inside_hours
from rules.routing.give_up import after_interruption, worth_another_try
from rules.routing.repeat import next_reminder
from rules.routing.retry import next_try, rest_after
from rules.routing.stored import channel_of
from rules.routing.storm_limit import WINDOW, room_for

_LONGEST_SLEEP = 15.0
#: So far ahead is said that a channel waits whose plan cannot be read; it is looked at anew with each step.
_UNREADABLE = timedelta(minutes=5)
Row = dict[str, Any]


@dataclass
class SendingTally:
    """What was done since the last report, by the UTC day it was done on."""

    by_day: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    def add(self, now: datetime, what: str, count: int = 1) -> None:
        """Count something."""
        self.by_day[f"{now:%Y-%m-%d}"][what] += count


@dataclass
class Sender:
    """Sends over one connection, which holds the sender's lock. `page` is the address of the dashboard."""

    connection: psycopg.Connection
    box: AddressBox
    page: str
    clock: Clock = utc_now
    chance: Callable[[], float] = random.random
    tally: SendingTally = field(default_factory=SendingTally)

    def __post_init__(self) -> None:
        self.threads = ChannelThreads()
        self._outgoing: dict[UUID, Outgoing] = {}
        self._attempts: dict[UUID, deque[datetime]] = defaultdict(deque)
        self._channels: list[Row] = []

    def take_over(self) -> None:
        """Begin where the last sender ended: listen, count what was sent lately, and see to what was underway."""
        self.connection.execute(f"listen {OUTBOX}")
        now = self.clock()
        for channel_id, instant in deliveries.attempts_since(self.connection, now - WINDOW):
            self._attempts[channel_id].append(instant)
        for row in deliveries.underway(self.connection):
            verdict = after_interruption(
                interrupted_before=row["interrupted"], receiver_knows_keys=row["channel_kind"] == "webhook"
            )
            if verdict.goes_on:
                deliveries.try_again(self.connection, row["delivery_id"], now, reason=verdict.reason, interrupted=True)
            else:
                deliveries.end_unsent(self.connection, row["delivery_id"], "failed", reason=verdict.reason)

    def step(self, *, begin_more: bool = True) -> float:
        """Do everything there is to do now; says for how many seconds there is nothing, if nobody calls.

        1. note what came back, 2. route what is new, 3. look again at what was held, 4. start what is due.
        """
        for returned in self.threads.take_returned():
            self._note(returned)
        self._channels = self._readable(deliveries.channels_now(self.connection))
        while routed := route_some(self.connection, self._channels, self.clock()):
            self.tally.add(self.clock(), "routed", routed)
        while look_at_held(self.connection, self._channels, self.clock()):
            pass
        if begin_more:
            for channel in self._channels:
                self._start_next(channel)
        return self._quiet_for()

    def wait(self, seconds: float) -> bool:
        """Wait until somebody calls, which a commit that wrote an intent does, or a message that came back; false where
        the time is over before."""
        if any(True for _ in self.connection.notifies(timeout=0)):
            return True
        database, threads = self.connection.fileno(), self.threads.wakes.fileno()
        readable, _, _ = select.select([database, threads], [], [], seconds)
        if threads in readable:
            self.threads.wakes.recv(4096)
        return bool(readable)

    def _readable(self, channels: list[Row]) -> list[Row]:
        """The channels whose plan can be read. One that cannot stops no other; it says so, and is told nothing."""
        readable = []
        for channel in channels:
            try:
                channel_of(channel)
            except (EventPulseError, KeyError, TypeError, ValueError) as fault:
                why = f"its plan cannot be read: {fault}"
                deliveries.channel_waits(self.connection, channel["channel_id"], self.clock() + _UNREADABLE, why)
            else:
                readable.append(channel)
        return readable

    def _start_next(self, channel: Row) -> None:
        channel_id, now = channel["channel_id"], self.clock()
        if self.threads.is_busy(channel_id):
            return
        if not channel["enabled"]:
            deliveries.hold_all(self.connection, channel_id, "the channel is disabled")
            return
        if channel["waits_until"] is not None and channel["waits_until"] > now:
            return
        due = deliveries.how_many_due(self.connection, channel_id, now)
        if not due:
            deliveries.channel_waits(self.connection, channel_id, None, None)
            return
        plan = channel_of(channel)
        attempts = self._recent(channel_id, now)
        room = room_for(due, attempts, max_per_minute=plan.max_per_minute, now=now)
        hours = inside_hours(plan.hours, now)
        if not hours.goes_on or room.form is None:
            until, why = (room.not_before, room.reason) if hours.goes_on else (hours.look_again_at, hours.reason)
            deliveries.channel_waits(self.connection, channel_id, until, why)
            channel |= {"waits_until": until, "waits_why": why}
            return
        deliveries.channel_waits(self.connection, channel_id, None, None)
        outgoing = write_next(self.connection, channel, plan, room.form, page=self.page, now=now)
        if outgoing is None:
            return  # what was due had nothing to say any more; the next step looks again
        attempts.append(now)
        self._outgoing[outgoing.delivery_id] = outgoing
        self.threads.start(channel_id, outgoing.delivery_id, self._sending(channel, outgoing, now))

    def _sending(self, channel: Row, outgoing: Outgoing, now: datetime) -> Callable[[], Outcome]:
        try:
            secret = channel["secret"]
            address = Address(
                channel["kind"],
                self.box.unlock(channel["url"]),
                self.box.unlock(secret) if secret is not None else None,
            )
        except EventPulseError as fault:
            sentence = str(fault)
            return lambda: refused(sentence)
        key = str(outgoing.delivery_id)
        return lambda: send(address, outgoing.message, key=key, channel=channel["name"], now=now)

    def _note(self, returned: Returned) -> None:
        outgoing, now = self._outgoing.pop(returned.delivery_id), self.clock()
        channel = next(
            (row for row in deliveries.channels_now(self.connection) if row["channel_id"] == returned.channel_id), None
        )
        with self.connection.transaction():
            if returned.outcome.sent:
                self._note_sent(outgoing, channel, returned.channel_id, now)
            else:
                self._note_failure(outgoing, channel, returned, now)

    def _note_sent(self, outgoing: Outgoing, channel: Row | None, channel_id: UUID, now: datetime) -> None:
        deliveries.note_sent(self.connection, outgoing.delivery_id, now)
        deliveries.note_channel(self.connection, channel_id, sent_at=now)
        self.tally.add(now, "sent")
        if channel is None:
            return
        due = next_reminder(channel_of(channel), now)
        still = deliveries.still_open(self.connection, outgoing.delivery_id) if due is not None else []
        if due is not None and still:
            why = "a reminder, if nobody acknowledges before"
            reminder = Gathered(outgoing.group_key, Ids(still, []), due, why, reminder=True)
            deliveries.gather(self.connection, channel, [reminder])

    def _note_failure(self, outgoing: Outgoing, channel: Row | None, returned: Returned, now: datetime) -> None:
        outcome = returned.outcome
        verdict = worth_another_try(
            attempts=outgoing.attempts, refused=outcome.refused, first_due_at=outgoing.first_due_at, now=now
        )
        failures = deliveries.note_channel(self.connection, returned.channel_id, error=outcome.error)
        if channel is None:
            deliveries.end_unsent(
                self.connection, outgoing.delivery_id, "held", reason="its channel was removed", error=outcome.error
            )
        elif verdict.goes_on:
            again = next_try(outgoing.attempts, now, chance=self.chance(), asked=outcome.retry_after)
            deliveries.try_again(
                self.connection, outgoing.delivery_id, again, reason=verdict.reason, error=outcome.error
            )
        else:
            state = "failed" if outcome.refused else "gave_up"
            deliveries.end_unsent(
                self.connection, outgoing.delivery_id, state, reason=verdict.reason, error=outcome.error
            )
        rest = rest_after(failures, now, asked=outcome.retry_after)
        if rest is not None:
            why = "the receiver asked for a pause" if outcome.retry_after else f"dead: {failures} failures in a row"
            deliveries.channel_waits(self.connection, returned.channel_id, rest, why)
        self.tally.add(now, "not sent")

    def _recent(self, channel_id: UUID, now: datetime) -> deque[datetime]:
        attempts = self._attempts[channel_id]
        while attempts and attempts[0] <= now - WINDOW:
            attempts.popleft()
        return attempts

    def _quiet_for(self) -> float:
        """Seconds until something is due by itself."""
        due, held = deliveries.next_due(self.connection)
        now = self.clock()
        instants = [held] if held is not None else []
        for channel in self._channels:
            channel_id = channel["channel_id"]
            if channel_id in due and not self.threads.is_busy(channel_id) and channel["enabled"]:
                waits = channel["waits_until"] or due[channel_id]
                instants.append(max(due[channel_id], waits))
        next_instant = min(instants, default=now + timedelta(seconds=_LONGEST_SLEEP))
        return min(max((next_instant - now).total_seconds(), 0.0), _LONGEST_SLEEP)
