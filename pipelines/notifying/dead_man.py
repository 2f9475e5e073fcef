"""Call an address again and again while all is well. It lives beside the sender, in a thread with servers of its own:
where anything hangs, the calls stay away, and that is what they are for."""

import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta

from sqlalchemy import Engine

from eventpulse.balance import read_balance
from eventpulse.clock import utc_now
from eventpulse.database.connect import open_engine
from eventpulse.database.leadership import current_leases
from eventpulse.database.transactions import reading
from eventpulse.notify.ping_door import ping
from eventpulse.settings import Settings
from eventpulse.stream.connect import open_redis
from eventpulse.stream.shards import shards_of
from rules.routing.signs_of_life import all_is_well
from rules.routing.verdict import Verdict, held

#: What was accepted in the last days; older sums don't change.
_DAYS = timedelta(days=2)
_log = logging.getLogger(__name__)


@contextmanager
def signs_of_life(settings: Settings) -> Iterator[None]:
    """Give signs of life as long as the block runs, if somebody is named to be given them."""
    if settings.heartbeat_url is None or settings.database_url is None or settings.redis_url is None:
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=_give, args=(settings, ended), name="signs of life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()


def _give(settings: Settings, ended: threading.Event) -> None:
    assert settings.heartbeat_url is not None and settings.database_url is not None
    engine = open_engine(settings.database_url.get_secret_value(), application="eventpulse sign of life", pool_size=1)
    said: str | None = None
    try:
        while not ended.is_set():
            verdict = look(settings, engine, utc_now())
            problem = ping(settings.heartbeat_url.get_secret_value()) if verdict.goes_on else verdict.reason
            if problem != said:
                _log.warning("No sign of life is given: %s" if problem else "Signs of life are given.%s", problem or "")
            said = problem
            ended.wait(settings.heartbeat_seconds)
    finally:
        engine.dispose()


def look(settings: Settings, engine: Engine, now: datetime) -> Verdict:
    """Whether all is well. A server that does not answer is not well."""
    assert settings.redis_url is not None
    try:
        leases = current_leases(engine)
        with reading(engine) as connection, closing(open_redis(settings.redis_url.get_secret_value())) as client:
            balance = read_balance(connection, client, since=(now - _DAYS).date())
    except Exception as fault:  # whatever it is, it is not well
        return held(f"a server does not answer ({type(fault).__name__})")
    shards = [shard.number for shard in shards_of(settings.shards)]
    beaten = {shard: leases[shard].heartbeat_at if shard in leases else None for shard in shards}
    return all_is_well(beaten, missing=balance.missing, uncounted=balance.uncounted, now=now)
