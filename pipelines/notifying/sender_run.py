"""The life of a run that sends notifications: stand by for the lock, send for the length of a lease, hand over.

One run sends. The next is started shortly before a lease ends, by the sensor `sender_keeper`.
"""

import logging
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import psycopg

from eventpulse.clock import Clock, iso_utc, utc_now
from eventpulse.database.connect import CONNECTION_LOST, open_connection
from eventpulse.database.leadership import (
    SEND,
    application_name,
    release_leadership,
    somebody_waits,
    wait_for_leadership,
)
from eventpulse.errors import DatabaseUnavailable, LeadershipLost
from eventpulse.notify.address_box import AddressBox, open_address_box
from eventpulse.settings import Settings
from pipelines.notifying.dead_man import signs_of_life
from pipelines.notifying.send_notifications import Sender, SendingTally
from pipelines.notifying.take_over_channels import take_over_channels
from pipelines.patience import Patience

_ONLY = 0
#: What is underway at the end of a lease is waited for so long; then nothing new is begun before it is back.
_WAIT_FOR_QUIET = timedelta(seconds=30)
#: When told to stop, what is underway is waited for so long. What is not back then is sent once more by the next run.
_STOP_SECONDS = 5.0
_LOOK_SECONDS = 0.25
_DATABASE_AWAY = (*CONNECTION_LOST, DatabaseUnavailable)
_log = logging.getLogger(__name__)


class SendingReporter(Protocol):
    """Whom a sender tells what it does; Dagster in production."""

    def say(self, sentence: str) -> None:
        """Something a person reading the run's log wants to know."""

    def report(self, tally: SendingTally) -> None:
        """What was done since the last report."""

    def has_ended(self) -> bool:
        """Whether this run counts as ended, because it was taken for dead."""


@dataclass
class SenderRun:
    """One run, from its first connection to its last."""

    settings: Settings
    run_id: str
    reporter: SendingReporter
    clock: Clock = utc_now
    shall_stop: Callable[[], bool] = lambda: False

    def run(self) -> None:
        """Stand by, send, and end when the lease is over and a successor waits. Waits for a database that is away."""
        patience = Patience()
        box = open_address_box(self.settings)
        while not self.shall_stop():
            try:
                with open_connection(
                    self.settings.database_address(), application=application_name(self.run_id, SEND)
                ) as connection:
                    if patience.waited_seconds:
                        self._go_on_after(patience.ended())
                    if self._stand_by(connection):
                        self._send(connection, box)
                return
            except _DATABASE_AWAY as fault:
                patience.wait(fault)

    def _stand_by(self, connection: psycopg.Connection) -> bool:
        while not wait_for_leadership(connection, _ONLY, at_most_milliseconds=500, duty=SEND):
            if self.shall_stop():
                return False
        return True

    def _go_on_after(self, interruption: str | None) -> None:
        if interruption is not None:
            self.reporter.say(interruption)
        if self.reporter.has_ended():
            raise LeadershipLost(f"Run {self.run_id} was away for so long that it is taken for dead. It ends.")

    def _send(self, connection: psycopg.Connection, box: AddressBox) -> None:
        lease_until = self.clock() + timedelta(seconds=self.settings.lease_seconds)
        self.reporter.say(f"Sending notifications until {iso_utc(lease_until)}.")
        if taken := take_over_channels(connection, self.settings, box):
            self.reporter.say(taken)
        sender = Sender(connection, box, f"{self.settings.pages_at}/dashboard", clock=self.clock)
        with signs_of_life(self.settings), closing(sender.threads):
            sender.take_over()
            told = time.monotonic()
            while not self.shall_stop():
                over = self.clock() - lease_until
                handing_over = over >= timedelta() and somebody_waits(connection, _ONLY, SEND)
                if handing_over and not sender.threads.any_busy:
                    break
                begin_more = not handing_over or over < _WAIT_FOR_QUIET
                quiet = sender.step(begin_more=begin_more)
                if time.monotonic() - told >= self.settings.materialise_seconds:
                    told = time.monotonic()
                    self._report(sender)
                if quiet > 0 or not begin_more:
                    self._rest(sender, max(quiet, 0.05) if over < timedelta() else _LOOK_SECONDS)
            self._wait_for_what_is_underway(sender)
            self._report(sender)
            release_leadership(connection, _ONLY, SEND)
            self.reporter.say("Stopped." if self.shall_stop() else "Handed over.")

    def _rest(self, sender: Sender, seconds: float) -> None:
        """Wait until somebody calls or the time is over; that it shall stop, is seen within a second."""
        deadline = time.monotonic() + seconds
        while not self.shall_stop() and (left := deadline - time.monotonic()) > 0:
            if sender.wait(min(left, 1.0)):
                return

    def _wait_for_what_is_underway(self, sender: Sender) -> None:
        deadline = time.monotonic() + _STOP_SECONDS
        while sender.threads.any_busy and time.monotonic() < deadline:
            sender.wait(_LOOK_SECONDS)
            sender.step(begin_more=False)

    def _report(self, sender: Sender) -> None:
        if sender.tally.by_day:
            self.reporter.report(sender.tally)
            sender.tally = SendingTally()
