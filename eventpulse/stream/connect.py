"""Open Redis: the one place that makes clients, so that answers have one shape everywhere."""

from typing import Any

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from eventpulse.errors import SettingsError

# redis-py would wait 5 s for an answer and repeat a command that timed out; a repeated XADD would store events twice,
# and a blocking read must be allowed to block. So: no retries, and a time-out longer than any block of ours.
READ_BLOCK_MILLISECONDS = 1_000
_OPTIONS: dict[str, Any] = {
    "legacy_responses": False,
    "socket_timeout": 5.0,
    "socket_connect_timeout": 2.0,
    "health_check_interval": 15,
}


def open_redis(url: str) -> "redis.Redis":
    """A blocking client. It connects with its first command. Raises SettingsError where the URL is none."""
    try:
        return redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), **_OPTIONS)
    except ValueError:  # without its cause, which may quote a part of the password that was taken for a port
        raise SettingsError("REDIS_URL is not a URL like redis://:password@host:6379/0.") from None


def open_async_redis(url: str) -> "redis.asyncio.Redis":
    """A client for an event loop. It connects with its first command. Raises SettingsError where the URL is none."""
    try:
        return redis.asyncio.Redis.from_url(url, retry=redis.asyncio.retry.Retry(NoBackoff(), 0), **_OPTIONS)
    except ValueError:  # without its cause, which may quote a part of the password that was taken for a port
        raise SettingsError("REDIS_URL is not a URL like redis://:password@host:6379/0.") from None
