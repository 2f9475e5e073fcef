"""Looks every half minute whether every accepted event is accounted for, and tells Dagster without starting a run.

Dagster keeps a row for each result it is told. So it is told at once when the answer changes, and otherwise only now
and then, to show that somebody looks.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg
import msgspec
from redis.exceptions import RedisError

from assets.asset_checks import evaluation, look
from eventpulse.balance import Balance
from eventpulse.errors import DatabaseUnavailable
from eventpulse.settings import load_settings

TOLD_EVERY = timedelta(minutes=30)


class Told(msgspec.Struct, frozen=True):
    """What Dagster was told last, kept in the sensor's cursor."""

    at: datetime
    holds: bool
    missing: int
    uncounted: int


@dg.sensor(
    name="ledger_watch",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks whether every accepted event is stored, a duplicate, dead-lettered or pending.",
)
def ledger_watch(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Look once."""
    try:
        balance = look(load_settings())
    except (DatabaseUnavailable, RedisError, OSError) as fault:
        return dg.SkipReason(f"A server is away, so nothing can be said: {fault}")
    now = datetime.now(UTC)
    if not is_news(balance, read_told(context.cursor), now):
        return dg.SkipReason(balance.sentence)
    told = Told(now, balance.holds, balance.missing, balance.uncounted)
    cursor = msgspec.json.encode(told).decode()
    return dg.SensorResult(asset_events=[evaluation(balance)], cursor=cursor)


def is_news(balance: Balance, told: Told | None, now: datetime) -> bool:
    """Whether Dagster has to be told."""
    if told is None or now - told.at >= TOLD_EVERY:
        return True
    return (balance.holds, balance.missing, balance.uncounted) != (told.holds, told.missing, told.uncounted)


def read_told(cursor: str | None) -> Told | None:
    """What the cursor says; None where it says nothing that can be read."""
    try:
        return msgspec.json.decode(cursor, type=Told) if cursor else None
    except msgspec.DecodeError:
        return None
