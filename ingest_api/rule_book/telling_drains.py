"""Tell drains that a rule has changed, so that they need not look."""

import asyncio
import logging
from uuid import UUID

from redis.exceptions import RedisError

from eventpulse.stream.keys import RULES_CHANGED
from ingest_api.dependencies import Redis

_TELL_WITHIN_SECONDS = 1.0
_log = logging.getLogger(__name__)


async def tell_drains(redis: Redis, rule_id: UUID) -> None:
    """Say that a rule has changed. Where nobody hears it, drains still see the revision of the rule book."""
    try:
        async with asyncio.timeout(_TELL_WITHIN_SECONDS):
            await redis.publish(RULES_CHANGED, str(rule_id))
    except (RedisError, OSError, TimeoutError) as fault:
        _log.warning("Rule %s has changed, but Redis could not pass that on (%s).", rule_id, fault)
