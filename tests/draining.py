"""A drain that tests can step, interrupt and restart, on real servers."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg

from eventpulse.clock import Clock, utc_now
from eventpulse.database.connect import open_connection
from eventpulse.database.events.incoming import prepare_staging
from eventpulse.database.ledger.ledger import settled
from eventpulse.event import StreamedEvent
from eventpulse.stream.accept import accept_now
from eventpulse.stream.connect import open_redis
from eventpulse.stream.entry import Entry
from eventpulse.stream.reader import StreamReader
from eventpulse.stream.shards import ONLY, Shard
from pipelines.live.drain_stream import Drain, Pace, Tally
from pipelines.live.find_anomalies import Detector
from pipelines.live.store_batch import BatchStore
from rules.micro_batches.detection import Horizons
from rules.rule import read_rule

ENCODER = msgspec.json.Encoder()
WIDE = timedelta(days=36_500)


class PowerCut(Exception):
    """What a test throws to end a drain at a chosen point; nothing catches it."""


def a_line(event: Mapping[str, Any], received_at: datetime | None = None) -> bytes:
    """An event as the API writes it into the stream."""
    at = microseconds(datetime.fromisoformat(event["timestamp"]))
    return ENCODER.encode(
        StreamedEvent(
            event_id=event["event_id"],
            event_type=event.get("event_type", "tick"),
            source=event.get("source", "tests"),
            timestamp=at,
            received_at=at if received_at is None else microseconds(received_at),
            payload=msgspec.json.encode(event.get("payload", {})).decode(),
            metadata=msgspec.json.encode(event.get("metadata", {})).decode(),
        )
    )


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970."""
    return int((instant - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def publish(redis_url: str, events: Iterable[Mapping[str, Any]], *, an_entry: int = 100, shards: int = 1) -> None:
    """Put events into the stream, or into those of several shards, so many in a flush."""
    lines = [a_line(event) for event in events]
    flushes = [lines[start : start + an_entry] for start in range(0, len(lines), an_entry)]
    publish_lines(redis_url, flushes, shards=shards)


def publish_lines(redis_url: str, entries: Iterable[Sequence[bytes]], *, shards: int = 1) -> None:
    """Put raw lines into the stream, or into those of several shards, a list a flush."""
    with open_redis(redis_url) as client:
        for lines in entries:
            accept_now(client, b"\n".join(lines), len(lines), shards=shards)


def save_rule(database_url: str, document: Mapping[str, Any]) -> None:
    """Put a rule into the rule book, or its next version."""
    rule = read_rule(document)
    text = msgspec.json.encode(document).decode()
    with open_connection(database_url, application="tests") as connection, connection.transaction():
        row = connection.execute(
            "insert into eventpulse.rules as r (rule_id, name, enabled, severity, version, semantic_hash, document)"
            " values (%s, %s, %s, %s, 1, %s, %s) on conflict (rule_id) do update set version = r.version + 1,"
            " enabled = excluded.enabled, semantic_hash = excluded.semantic_hash, document = excluded.document"
            " returning version",
            (rule.rule_id, rule.name, rule.enabled, rule.severity, rule.semantic_hash, text),
        ).fetchone()
        assert row is not None
        connection.execute(
            "insert into eventpulse.rule_versions (rule_id, version, name, semantic_hash, document)"
            " values (%s, %s, %s, %s, %s)",
            (rule.rule_id, row[0], rule.name, rule.semantic_hash, text),
        )


class SteppedDrain:
    """A leader with no Dagster around it. `batch_events` caps a micro-batch, so that tests choose the cuts; `shard` is
    the one it drains, beside others where it is not the only one."""

    def __init__(
        self,
        database_url: str,
        redis_url: str,
        *,
        batch_events: int = 20_000,
        correct: timedelta = WIDE,
        hot: timedelta = timedelta(seconds=300),
        clock: Clock = utc_now,
        cut_before: str | None = None,
        detector: Detector | None = None,
        shard: Shard = ONLY,
        run_id: str | None = None,
    ) -> None:
        self.connection: psycopg.Connection = open_connection(database_url, application="tests drain")
        self.client = open_redis(redis_url)
        self.tally = Tally()
        self.detector = detector or Detector(self.connection, Horizons(timedelta(seconds=5), correct, hot))
        self.detector.go_on_with(self.connection)
        prepare_staging(self.connection)
        self.store = BatchStore(
            self.connection,
            self.detector,
            shard=shard.number,
            run_id=run_id,
            clock=clock,
            idle=timedelta(seconds=10),
            lateness=timedelta(seconds=5),
            alone=shard == ONLY,
        )
        reader = (CutReader if cut_before == "acknowledge" else StreamReader)(self.client, shard)
        self.drain = Drain(
            reader,
            self.store,
            Pace(batch_events, 16 * 1024 * 1024, 0.0),
            tell=self._cut if cut_before == "tell" else self.tally.add,
            settled=settled(self.connection, shard.number),
        )
        self.detector.follow()

    def run_until_empty(self) -> None:
        """Finish what was left, then take everything there is."""
        self.drain.finish_what_was_left()
        while self.drain.step():
            pass

    def close(self) -> None:
        """End the connections, as a process that dies does."""
        self.connection.close()
        self.client.close()

    def _cut(self, *told: object) -> None:
        raise PowerCut


class CutReader(StreamReader):
    """A reader whose process dies just before it acknowledges."""

    def acknowledge(self, entries: Sequence[Entry]) -> None:
        if entries:
            raise PowerCut


@contextmanager
def a_drain(database_url: str, redis_url: str, **options: Any) -> Any:
    """A stepped drain for the length of a block."""
    drain = SteppedDrain(database_url, redis_url, **options)
    try:
        yield drain
    finally:
        drain.close()


def current_anomalies(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    """The anomalies that stand, as (rule name, group, occurred_at, event_id, value, how many contributed)."""
    return connection.execute(
        """
        select r.name, a."group"::text, a.occurred_at, a.event_id::text, a.value, a.contributing_count
        from eventpulse.anomalies a join eventpulse.rules r using (rule_id)
        where a.state = 'current' order by 1, 2, 3, 4
        """
    ).fetchall()
