"""Checks that Dagster shows beside the assets: whether every accepted event is accounted for."""

from contextlib import closing
from datetime import timedelta

import dagster as dg

from assets.events import events
from eventpulse.balance import Balance, read_balance
from eventpulse.clock import utc_now
from eventpulse.database.connect import open_engine
from eventpulse.database.transactions import reading
from eventpulse.settings import Settings, load_settings
from eventpulse.stream.connect import open_redis

CHECK = "every_event_is_accounted_for"
#: Days of acceptance that count. What went wrong before them has been seen, and stays in the ledger.
LAST_DAYS = 7


@dg.asset_check(
    asset=events.key,
    name=CHECK,
    description=f"What was accepted in the last {LAST_DAYS} days is stored, a duplicate, dead-lettered or pending. "
    "Red: events are missing, or came into the stream past the API.",
)
def every_event_is_accounted_for() -> dg.AssetCheckResult:
    """Look at the ledger and the stream now."""
    balance = look(load_settings())
    return dg.AssetCheckResult(
        passed=balance.holds,
        severity=dg.AssetCheckSeverity.ERROR,
        description=balance.sentence,
        metadata=metadata(balance),
    )


def look(settings: Settings) -> Balance:
    """The balance of the last days."""
    since = (utc_now() - timedelta(days=LAST_DAYS - 1)).date()
    engine = open_engine(settings.database_address(), application="eventpulse balance", pool_size=1)
    try:
        with closing(open_redis(settings.redis_address())) as client, reading(engine) as connection:
            return read_balance(connection, client, since=since)
    finally:
        engine.dispose()


def evaluation(balance: Balance) -> dg.AssetCheckEvaluation:
    """The same result outside of a run."""
    return dg.AssetCheckEvaluation(
        asset_key=events.key,
        check_name=CHECK,
        passed=balance.holds,
        severity=dg.AssetCheckSeverity.ERROR,
        description=balance.sentence,
        metadata=metadata(balance),
    )


def metadata(balance: Balance) -> dict[str, dg.MetadataValue]:
    """The equation, term by term."""
    names = ("accepted", "stored", "duplicates", "dead_lettered", "pending", "missing", "uncounted")
    terms = {name: getattr(balance, name) for name in names} | {"too_late": balance.ledger.too_late}
    return {name: dg.MetadataValue.int(value) for name, value in terms.items()}
