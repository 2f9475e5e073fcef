"""What must hold before anything is started: free ports, and outside servers that can be reached and trusted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from eventpulse.database.connect import open_engine
from eventpulse.embedded.ports import require_free_port
from eventpulse.errors import EmbeddedServerError
from eventpulse.settings import Settings
from eventpulse.stream.connect import open_redis

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Listener:
    """Something of ours that is going to listen, and the setting that says on which port."""

    purpose: str
    host: str
    port: int
    setting: str


def listeners(settings: Settings) -> list[Listener]:
    """Every port this installation is going to listen on."""
    found = [
        Listener("The API", settings.host, settings.port, "PORT"),
        Listener("The Dagster UI", LOOPBACK, settings.dagster_port, "EVENTPULSE_DAGSTER_PORT"),
        Listener("The Dagster code server", LOOPBACK, settings.code_port, "EVENTPULSE_CODE_PORT"),
    ]
    if settings.database_url is None:
        found.append(Listener("PostgreSQL", LOOPBACK, settings.postgres_port, "EVENTPULSE_POSTGRES_PORT"))
    if settings.redis_url is None:
        found.append(Listener("Redis", LOOPBACK, settings.redis_port, "EVENTPULSE_REDIS_PORT"))
    return found


def require_ports(wanted: Sequence[Listener]) -> None:
    """Raise EmbeddedServerError for the first port that is meant twice or is taken."""
    seen: dict[int, Listener] = {}
    for listener in wanted:
        if other := seen.get(listener.port):
            raise EmbeddedServerError(
                f"{other.setting} and {listener.setting} are both {listener.port}; give each a port of its own."
            )
        seen[listener.port] = listener
        require_free_port(listener.host, listener.port, purpose=listener.purpose, setting=listener.setting)


def require_database(url: str) -> None:
    """Raise EmbeddedServerError where the operator's PostgreSQL does not answer or does not let us in."""
    engine = open_engine(url, application="eventpulse up")
    try:
        with engine.connect() as connection:
            connection.execute(text("select 1"))
    except DBAPIError as fault:
        reason = str(fault.orig).strip().splitlines()[0]
        raise EmbeddedServerError(f"The PostgreSQL of DATABASE_URL cannot be used: {reason}") from fault
    finally:
        engine.dispose()


def require_durable_redis(url: str) -> list[str]:
    """Warnings about the operator's Redis. Raises EmbeddedServerError where it would lose what we acknowledge."""
    with open_redis(url) as client:
        try:
            client.ping()
            return list(_durability(client))
        except AuthenticationError as fault:
            raise EmbeddedServerError(f"The Redis of REDIS_URL does not let us in: {fault}") from fault
        except RedisError as fault:
            raise EmbeddedServerError(f"The Redis of REDIS_URL cannot be used: {fault}") from fault


def _durability(client: "Redis") -> Iterator[str]:
    writes_file = _told(client, "appendonly")
    if writes_file is None:
        yield (
            "The Redis of REDIS_URL does not tell whether appendonly is on. "
            "Make sure that it is: an accepted event must survive a restart of Redis."
        )
    elif writes_file != "yes":
        raise EmbeddedServerError(
            "The Redis of REDIS_URL has appendonly off, so accepted events would be lost with its process. "
            "Turn it on (CONFIG SET appendonly yes, and in its configuration)."
        )
    if (every := _told(client, "appendfsync")) not in (None, "always"):
        yield (
            f"The Redis of REDIS_URL has appendfsync {every}: a power cut may lose the last second of accepted events. "
            "Set appendfsync always to keep them."
        )
    if (policy := _told(client, "maxmemory-policy")) not in (None, "noeviction"):
        yield (
            f"The Redis of REDIS_URL has maxmemory-policy {policy}, and may throw accepted events away when full. "
            "Set maxmemory-policy noeviction."
        )


def _told(client: "Redis", setting: str) -> str | None:
    """The server's setting; None where it does not say, as many hosted ones do."""
    try:
        answer = client.config_get(setting)
        value = {_text(key): _text(value) for key, value in answer.items()}.get(setting)
        if value is None and setting == "appendonly":
            enabled = client.info("persistence").get("aof_enabled")
            value = None if enabled is None else ("yes" if int(enabled) else "no")
    except ResponseError:
        return None
    return value


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
