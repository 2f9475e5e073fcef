"""Tells Dagster every few minutes that the drain keeps up, also while nothing comes.

Dagster calls an asset stale when nobody has materialised it for a while; but an empty stream is no stale data. So as
long as a drain leads and nothing waits for long, `events` is said to be up to date, without naming a day. When this
stays away, `events` turns stale in Dagster, and what waits is seen at `event_stream`.
"""

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
from redis.exceptions import RedisError

from assets.event_stream import event_stream
from assets.events import events
from eventpulse.clock import iso_utc
from eventpulse.database.connect import open_engine
from eventpulse.database.leadership import current_leases, everybody
from eventpulse.errors import DatabaseUnavailable
from eventpulse.settings import Settings, load_settings
from eventpulse.stream.backlog import Backlog, read_backlog
from eventpulse.stream.connect import open_redis
from eventpulse.stream.shards import shards_of

TOLD_EVERY = timedelta(minutes=5)
#: What waits for longer than this is behind.
BEHIND_SECONDS = 60.0
#: A leader that has given no sign of life for longer than this does not lead.
SILENT = timedelta(seconds=30)


@dataclass(frozen=True)
class Seen:
    """The streams and their drains at one moment; `leader` names those of all shards, None where one is missing."""

    backlog: Backlog
    leader: str | None
    at: datetime

    @property
    def keeps_up(self) -> bool:
        """Whether what was accepted gets stored."""
        return self.leader is not None and (self.backlog.oldest_seconds or 0.0) < BEHIND_SECONDS


@dg.sensor(
    name="stream_watch",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Observes what waits in the stream, and says that events are up to date as long as the drain keeps up.",
)
def stream_watch(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Look once; tell now and then, and at once when the drain falls behind or has caught up."""
    try:
        seen = look(load_settings())
    except (DatabaseUnavailable, RedisError, OSError) as fault:
        return dg.SkipReason(f"A server is away, so nothing can be said: {fault}")
    if not is_news(seen, context.cursor):
        return dg.SkipReason(sentence(seen))
    told: list[dg.AssetObservation | dg.AssetMaterialization] = [observation(seen)]
    if seen.keeps_up:
        told.append(up_to_date(seen))
    return dg.SensorResult(asset_events=told, cursor=f"{seen.at.isoformat()} {int(seen.keeps_up)}")


def look(settings: Settings) -> Seen:
    """How it is now."""
    engine = open_engine(settings.database_address(), application="eventpulse watch", pool_size=1)
    try:
        now = datetime.now(UTC)
        leases, leaders = current_leases(engine), []
        leads = {shard: each.run_id for each in everybody(engine) for shard in each.shards}
        for shard in shards_of(settings.shards):
            lease, leader = leases.get(shard.number), leads.get(shard.number)
            if leader is not None and lease is not None and now - lease.heartbeat_at < SILENT:
                leaders.append(leader)
        all_led = len(leaders) == settings.shards
        with closing(open_redis(settings.redis_address())) as client:
            return Seen(read_backlog(client, settings.shards), ", ".join(leaders) if all_led else None, now)
    finally:
        engine.dispose()


def is_news(seen: Seen, cursor: str | None) -> bool:
    """Whether Dagster has to be told; the cursor is when it was told last, and what."""
    told_at, _, kept_up = (cursor or "").partition(" ")
    if not kept_up:
        return True
    return seen.at - datetime.fromisoformat(told_at) >= TOLD_EVERY or bool(int(kept_up)) != seen.keeps_up


def observation(seen: Seen) -> dg.AssetObservation:
    """What waits in the stream."""
    metadata: dict[str, float | int | str] = {
        "entries_waiting": seen.backlog.entries,
        "entries_in_the_hands_of_a_drain": seen.backlog.pending,
        "oldest_has_waited_seconds": round(seen.backlog.oldest_seconds or 0.0, 3),
        "leading_run": seen.leader or "none",
    }
    return dg.AssetObservation(event_stream.key, metadata=metadata, description=sentence(seen))


def up_to_date(seen: Seen) -> dg.AssetMaterialization:
    """That everything is stored which was accepted until a moment ago."""
    until = seen.at - timedelta(seconds=seen.backlog.oldest_seconds or 0.0)
    metadata: dict[str, float | str] = {
        "origin": "heartbeat",
        "accepted_and_stored_until": iso_utc(until),
        "lag_seconds": round(seen.backlog.oldest_seconds or 0.0, 3),
    }
    return dg.AssetMaterialization(events.key, metadata=metadata, description="The drain keeps up.")


def sentence(seen: Seen) -> str:
    """How it is, in one sentence."""
    if seen.leader is None:
        return f"Nobody drains; {seen.backlog.entries:,} entries wait."
    if seen.backlog.oldest_seconds is None:
        return "Everything that was accepted is stored."
    return f"{seen.backlog.entries:,} entries wait, the oldest for {seen.backlog.oldest_seconds:.1f} s."
