"""What routes ask for, as types with names."""

from typing import Annotated, TypedDict

import redis
import redis.asyncio
from fastapi import Depends
from sqlalchemy import Engine
from starlette.requests import HTTPConnection

from eventpulse.settings import Settings
from eventpulse.stream.publisher import Publisher
from ingest_api.door.key_watch import KeyWatch
from ingest_api.door.keys import KnownKeys
from ingest_api.door.session import Sessions
from ingest_api.health.observations import Observations
from ingest_api.health.prometheus import Instruments
from ingest_api.live import LiveAnomalies


class AppState(TypedDict):
    """What lives as long as the app does; the routes see it as `request.state`."""

    settings: Settings
    engine: Engine
    redis: "redis.asyncio.Redis"
    blocking_redis: "redis.Redis"
    publisher: Publisher
    live: LiveAnomalies
    instruments: Instruments
    observations: Observations
    keys: KnownKeys
    key_watch: KeyWatch
    sessions: Sessions


def _state(connection: HTTPConnection) -> AppState:
    state: AppState = connection.scope["state"]
    return state


def _settings(connection: HTTPConnection) -> Settings:
    return _state(connection)["settings"]


def _engine(connection: HTTPConnection) -> Engine:
    return _state(connection)["engine"]


def _redis(connection: HTTPConnection) -> "redis.asyncio.Redis":
    return _state(connection)["redis"]


def _blocking_redis(connection: HTTPConnection) -> "redis.Redis":
    return _state(connection)["blocking_redis"]


def _publisher(connection: HTTPConnection) -> Publisher:
    return _state(connection)["publisher"]


def _live(connection: HTTPConnection) -> LiveAnomalies:
    return _state(connection)["live"]


TheSettings = Annotated[Settings, Depends(_settings)]
Database = Annotated[Engine, Depends(_engine)]
Redis = Annotated[redis.asyncio.Redis, Depends(_redis)]
#: For routes that run in a thread.
BlockingRedis = Annotated[redis.Redis, Depends(_blocking_redis)]
ThePublisher = Annotated[Publisher, Depends(_publisher)]
Live = Annotated[LiveAnomalies, Depends(_live)]
