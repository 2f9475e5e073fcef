"""The life of a drain run: stand by, lead for the length of a lease, hand over.

At any time one run leads each shard, and one stands by, fully loaded; for every eight shards another one. The lock that
makes a leader is taken and released in `eventpulse.database.leadership`; when a leader ends or dies, whoever stands by
has it within milliseconds, or a quarter of a second where there are several shards.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import psycopg
import redis

from eventpulse.clock import Clock, iso_utc, utc_now
from eventpulse.database.connect import CONNECTION_LOST, open_connection
from eventpulse.database.events.incoming import prepare_staging
from eventpulse.database.leadership import (
    Lease,
    application_name,
    beat,
    drains_wanted,
    ends_first,
    enough_others,
    lead_any,
    release_leadership,
    somebody_waits,
    take_lease,
    wait_for_leadership,
)
from eventpulse.database.ledger.counters import note_counter
from eventpulse.database.ledger.ledger import settled
from eventpulse.errors import DatabaseUnavailable, LeadershipLost, StreamUnavailable
from eventpulse.settings import Settings
from eventpulse.stream import announcements
from eventpulse.stream.connect import open_redis
from eventpulse.stream.counter import Counter, read_counter
from eventpulse.stream.reader import StreamReader
from eventpulse.stream.shards import EVERY_SHARD, Shard, shards_of
from pipelines.live.adopt_shards import Adoption
from pipelines.live.announce import Announcer
from pipelines.live.drain_stream import Drain, Pace, Tally
from pipelines.live.find_anomalies import Detector
from pipelines.live.prepare_rules import Preparations
from pipelines.live.store_batch import BatchStore, Committed
from pipelines.patience import Patience
from rules.micro_batches.detection import Horizons

_BEAT_SECONDS = 1.0
_FOLLOW_SECONDS = 5.0
_DATABASE_AWAY = (*CONNECTION_LOST, DatabaseUnavailable)
_log = logging.getLogger(__name__)


class Reporter(Protocol):
    """Whom a drain run tells what it does; Dagster in production."""

    def say(self, sentence: str) -> None:
        """Something a person reading the run's log wants to know."""

    def report(self, tally: Tally) -> None:
        """What was done since the last report."""

    def has_ended(self) -> bool:
        """Whether this run counts as ended, because it was taken for dead."""


@dataclass
class DrainRun:
    """One run, from its first connection to its last."""

    settings: Settings
    run_id: str
    reporter: Reporter
    clock: Clock = utc_now
    #: Asked between batches: whether somebody wants this run to end at once.
    shall_stop: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        self._tally = Tally()
        self._told = time.monotonic()
        self._beaten = 0.0
        self._counter: Counter | None = None
        self._detector: Detector | None = None
        self._redis = open_redis(self.settings.redis_address())
        self._announcer = Announcer(self._redis, self.clock)
        self._shards = shards_of(self.settings.shards)
        self._shard = self._shards[0]

    def run(self) -> None:
        """Stand by, lead, and end when the lease is over and a successor waits. Waits for servers that are away."""
        patience = Patience()
        while not self.shall_stop():
            try:
                self._contend(patience)
                break
            except _DATABASE_AWAY as fault:
                patience.wait(fault)
        self._report()

    def _contend(self, patience: Patience) -> None:
        """Stand by and lead over one connection, until the lease ends as it should."""
        with open_connection(self.settings.database_address(), application=application_name(self.run_id)) as connection:
            detector = self._detector_on(connection, patience)
            if patience.waited_seconds:
                self._go_on_after(patience.ended())
            detector.follow()
            self.reporter.say(f"Standing by with {len(detector.rules)} rules loaded.")
            followed = time.monotonic()
            while not self._comes_to_lead(connection):
                if self.shall_stop():
                    return
                if time.monotonic() - followed >= _FOLLOW_SECONDS:
                    if enough_others(connection, drains_wanted(len(self._shards))):
                        self.reporter.say("Enough others drain and stand by.")
                        return
                    detector.follow()
                    followed = time.monotonic()
            detector.follow()
            with self._preparing_beside(detector):
                self._lead(connection, detector)

    def _comes_to_lead(self, connection: psycopg.Connection) -> bool:
        """Wait for a moment in the queue for a shard: where there are several, for that whose lease ends first. One
        that has lost its leader is led at once."""
        if len(self._shards) > 1:
            numbers = [shard.number for shard in self._shards]
            if (led := lead_any(connection, numbers)) is not None:
                self._shard = EVERY_SHARD[led]
                return True
            self._shard = EVERY_SHARD[ends_first(connection, numbers)]
        wait = 500 if len(self._shards) == 1 else 250
        return wait_for_leadership(connection, self._shard.number, at_most_milliseconds=wait)

    def _detector_on(self, connection: psycopg.Connection, patience: Patience) -> Detector:
        """With what was remembered over the last connection, unless reading anew is quicker by now."""
        if self._detector is None or patience.waited_seconds > self.settings.hot_seconds:
            self._detector = Detector(connection, _horizons(self.settings))
        self._detector.go_on_with(connection)
        return self._detector

    def _go_on_after(self, interruption: str | None) -> None:
        if interruption is not None:
            self.reporter.say(interruption)
        if self.reporter.has_ended():
            # Somebody has taken its place, and a run that is shown as failed must not write on behind everyone's back.
            raise LeadershipLost(f"Run {self.run_id} was away for so long that it is taken for dead. It ends.")

    def _lead(self, connection: psycopg.Connection, detector: Detector) -> None:
        shard = self._shard.number
        lease = take_lease(connection, shard, self.run_id, self.settings.lease_seconds)
        self.reporter.say(f"Leading shard {shard} until {iso_utc(lease.lease_until)}.")
        prepare_staging(connection)
        drain = self._drain(connection, detector, self._shard)
        adoption = self._adoption(connection, detector)
        patience = Patience()
        while not self._is_over(connection, lease):
            try:
                self._drain_on(drain, adoption, connection, lease, patience)
            except (StreamUnavailable, redis.RedisError) as fault:
                beat(connection, shard)  # Redis is away or full: the lead and what is remembered are kept
                patience.wait(fault)
            except psycopg.OperationalError as fault:
                if connection.broken or connection.closed:
                    raise
                patience.wait(fault)  # its disk is full, perhaps: another drain would fare no better
        if adoption is not None:
            adoption.give_up_all()
        release_leadership(connection, shard)
        detector.hand_on()
        self.reporter.say("Stopped." if self.shall_stop() else "Handed over.")

    @contextmanager
    def _preparing_beside(self, detector: Detector) -> Iterator[None]:
        """While it leads, nobody waits for the past of a new rule to be read."""
        address, hot = self.settings.database_address(), timedelta(seconds=self.settings.hot_seconds)
        detector.preparations = Preparations(
            lambda: open_connection(address, application="eventpulse preparing rules"), hot, self.reporter.say
        )
        try:
            yield
        finally:
            detector.preparations.stop()
            detector.preparations = None

    def _drain_on(
        self,
        drain: Drain,
        adoption: Adoption | None,
        connection: psycopg.Connection,
        lease: Lease,
        patience: Patience,
    ) -> None:
        if adoption is not None:
            adoption.give_up_all()  # and is begun anew, with what was left
        drain.finish_what_was_left()
        if sentence := patience.ended():
            self.reporter.say(sentence)
        while not self._is_over(connection, lease):
            moved = adoption is not None and adoption.step()
            if not drain.step() and not moved:
                self._tally.last_lag_seconds = 0.0
            self._keep_alive(connection, lease)

    def _adoption(self, connection: psycopg.Connection, detector: Detector) -> Adoption | None:
        if self._shard != self._shards[0]:
            return None

        def begin(shard: Shard) -> Drain:
            drain = self._drain(connection, detector, shard)
            drain.finish_what_was_left()
            return drain

        return Adoption(connection, self._redis, self._shards, begin, self.reporter.say)

    def _drain(self, connection: psycopg.Connection, detector: Detector, shard: Shard) -> Drain:
        settings = self.settings
        store = BatchStore(
            connection,
            detector,
            shard=shard.number,
            run_id=self.run_id,
            clock=self.clock,
            alone=len(self._shards) == 1,
            idle=timedelta(seconds=settings.idle_seconds),
            lateness=timedelta(seconds=settings.lateness_seconds),
            future=timedelta(seconds=settings.future_seconds),
        )
        pace = Pace(settings.micro_batch_events, settings.micro_batch_bytes, settings.linger_milliseconds / 1000)
        return Drain(
            StreamReader(self._redis, shard),
            store,
            pace,
            tell=lambda committed, lag: self._tell(detector, committed, lag),
            settled=settled(connection, shard.number),
            wait_milliseconds=None if shard == self._shard else 1,  # beside its own stream
        )

    def _is_over(self, connection: psycopg.Connection, lease: Lease) -> bool:
        if self.shall_stop():
            return True
        return self.clock() >= lease.lease_until and somebody_waits(connection, self._shard.number)

    def _keep_alive(self, connection: psycopg.Connection, lease: Lease) -> None:
        now = time.monotonic()
        self._announcer.keep_up()
        if now - self._beaten >= _BEAT_SECONDS:
            self._beaten = now
            beat(connection, self._shard.number)
            heartbeat = announcements.Heartbeat(
                run_id=self.run_id,
                shard=self._shard.number,
                heartbeat_at=datetime.now(UTC),
                lease_until=lease.lease_until,
                lag_seconds=round(self._tally.last_lag_seconds, 4),
                batches=self._tally.batches,
            )
            with suppress(redis.ResponseError):  # without free memory Redis refuses even this; draining makes room
                announcements.beat(self._redis, heartbeat)
            counter = read_counter(self._redis, self._shard)
            self._counter = note_counter(connection, self._shard.number, counter, self._counter)
        if now - self._told >= self.settings.materialise_seconds:
            self._report()

    def _tell(self, detector: Detector, committed: Committed, lag_seconds: float) -> None:
        self._tally.add(committed, lag_seconds)
        for rule_id, why in committed.row.rule_errors.items():
            self.reporter.say(f"Rule {rule_id} could not be evaluated in batch {committed.row.batch_id}: {why}")
        for rule, why in committed.found.findings.limited.items():
            self.reporter.say(f"Rule {rule} is limited since batch {committed.row.batch_id} and rests: {why}")
        self._announcer.tell(committed, detector.name_of, lag_seconds)

    def _report(self) -> None:
        self._told = time.monotonic()
        if self._tally.batches:
            self.reporter.report(self._tally)
            self._tally = Tally(last_lag_seconds=self._tally.last_lag_seconds)


def _horizons(settings: Settings) -> Horizons:
    return Horizons(
        lateness=timedelta(seconds=settings.lateness_seconds),
        correct=timedelta(seconds=settings.correct_seconds),
        hot=timedelta(seconds=settings.hot_seconds),
    )
