"""Looks every minute what is wrong with EventPulse itself, and makes events of it that ordinary rules can judge.

An event is made when a trouble begins, changes or ends, and at no other time: looking, and telling, make no trouble of
their own, so that there is no end to end up in.

1. What is wrong is compared with what was said before.
2. What is to be said is written down, with the id of its event, in the transaction that notes the trouble.
3. It is put into the stream, and crossed out. A crash in between says it again, under the same id.
"""

from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from uuid import UUID, uuid5

import dagster as dg
import redis
from redis.exceptions import RedisError
from sqlalchemy import Engine

from eventpulse.database.connect import open_engine
from eventpulse.database.transactions import reading, writing
from eventpulse.database.troubles import known_troubles, note_told, note_trouble, untold_troubles
from eventpulse.errors import DatabaseUnavailable
from eventpulse.settings import Settings, load_settings
from eventpulse.stream.connect import open_redis
from eventpulse.stream.own_events import accept_own_event
from sensors.trouble_verdict import News, judge_troubles
from sensors.troubles import as_of, look

_IDS = UUID("0b0f6c3e-6f5a-5d0e-9c43-5b1a2f7e8d90")


@dg.sensor(
    name="self_watch",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Makes events `eventpulse.…` of rules that fail, dead channels, lag, new dead letters, a missing drain "
    "and an unbalanced ledger; rules can alert on them as on any other.",
)
def self_watch(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Look once, and say what is new."""
    settings = load_settings()
    engine = open_engine(settings.database_address(), application="eventpulse watch", pool_size=1)
    try:
        notice(settings, engine, datetime.now(UTC))
        with closing(open_redis(settings.redis_address())) as client:
            told = tell(engine, client, shards=settings.shards)
    except (DatabaseUnavailable, RedisError, OSError) as fault:
        return dg.SkipReason(f"A server is away; what there is to say is said when it is back: {fault}")
    finally:
        engine.dispose()
    return dg.SkipReason(f"Told: {'; '.join(told)}." if told else "Nothing new.")


def notice(settings: Settings, engine: Engine, now: datetime) -> None:
    """Write down what has become known about troubles, and what is to be said of it."""
    with reading(engine) as connection:
        known = {key: as_of(row) for key, row in known_troubles(connection).items()}
    news = judge_troubles(look(settings, engine, known), known, now)
    with writing(engine) as connection:
        for one in news:
            note_trouble(connection, *one.key, asdict(one.known), _event(one, now))


def tell(engine: Engine, client: "redis.Redis", *, shards: int = 1) -> list[str]:
    """Put into the stream what is to be said, and say what that was."""
    with reading(engine) as connection:
        waiting = untold_troubles(connection)
    for one in waiting:
        kind = f"eventpulse.{one.kind}"
        accept_own_event(client, kind, one.payload, event_id=one.event_id, at=one.at, shards=shards)
        with writing(engine) as connection:
            note_told(connection, one)
    return [f"{one.kind} {one.subject} {one.payload['state']}".replace("  ", " ") for one in waiting]


def _event(news: News, now: datetime) -> dict[str, object] | None:
    if news.said is None:
        return None
    at = now.isoformat()
    event_id = uuid5(_IDS, " ".join([*news.key, news.known.state, at]))
    return {"event_id": str(event_id), "at": at, "payload": dict(news.said)}
