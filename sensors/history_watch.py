"""Shows in Dagster how each day of history stands: live, backfilled, with gaps, audited.

A partition in Dagster is there or not. What people want to know of a day is more, so it is told as a table with the
asset `anomalies`, and by two checks, whenever it has changed.
"""

from collections.abc import Sequence
from hashlib import sha1

import dagster as dg

from assets.history_checks import MOST_DAYS, differences, gaps, look
from eventpulse.database.day_states import DayState
from eventpulse.errors import DatabaseUnavailable
from eventpulse.settings import load_settings


@dg.sensor(
    name="history_watch",
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=f"Observes of the newest {MOST_DAYS} days with events which are live, backfilled, audited or missing.",
)
def history_watch(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Look once; tell where anything has changed."""
    try:
        days = look(load_settings())
    except DatabaseUnavailable as fault:
        return dg.SkipReason(f"A server is away, so nothing can be said: {fault}")
    state = sha1(repr(days).encode(), usedforsecurity=False).hexdigest()
    if state == context.cursor:
        return dg.SkipReason(sentence(days))
    observation = dg.AssetObservation("anomalies", description=sentence(days), metadata=metadata(days))
    return dg.SensorResult(asset_events=[observation, gaps(days), differences(days)], cursor=state)


def sentence(days: Sequence[DayState]) -> str:
    """How history stands, in one sentence."""
    gaps = sum(day.rules_with_gaps > 0 for day in days)
    differ = sum(day.audited == "DIFFERS" for day in days)
    due = sum(day.audited == "no" for day in days)
    return f"{len(days)} days with events: {gaps} with gaps, {due} not audited, {differ} differ from their events."


def metadata(days: Sequence[DayState]) -> dict[str, dg.MetadataValue]:
    """The table, and what of it asks for work."""
    records = [
        dg.TableRecord(
            {
                "day": day.day.isoformat(),
                "evaluated": day.evaluated,
                "gaps": day.gaps,
                "audit": day.audited,
                "events removed": "yes" if day.removed else "",
            }
        )
        for day in days
    ]
    return {
        "days": dg.MetadataValue.table(records or [dg.TableRecord({"day": "no events are stored"})]),
        "days_with_gaps": dg.MetadataValue.int(sum(day.rules_with_gaps > 0 for day in days)),
        "days_not_audited": dg.MetadataValue.int(sum(day.audited == "no" for day in days)),
        "days_that_differ": dg.MetadataValue.int(sum(day.audited == "DIFFERS" for day in days)),
    }
