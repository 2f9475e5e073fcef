"""Shows in Dagster how each day of history stands: live, backfilled, with gaps, audited.

A partition in Dagster is there or not. What people want to know of a day is more, so it is told as a table with the
asset `anomalies`, and by two checks, whenever it has changed. Days of which the command
`eventpulse audit` says another thing than the last run did, are audited by a run again, so that their check is right.
"""

from collections.abc import Sequence
from hashlib import sha1

import dagster as dg
import msgspec

from assets.history_checks import MOST_DAYS, differences, gaps, watching
from eventpulse.database.anomalies.audit_queries import audits_unknown_to_dagster, newest_audit
from eventpulse.database.anomalies.day_states import DayState, day_states
from eventpulse.errors import DatabaseUnavailable
from eventpulse.settings import load_settings
from pipelines.history_jobs import audit


class Told(msgspec.Struct, frozen=True):
    """What Dagster was told last, kept in the sensor's cursor: how the days stood, and the newest audit."""

    state: str = ""
    audit_id: int = 0


@dg.sensor(
    name="history_watch",
    job=audit,
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=f"Observes of the newest {MOST_DAYS} days with events which are live, backfilled, audited or missing.",
)
def history_watch(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Look once; tell where anything has changed."""
    told = read_told(context.cursor)
    try:
        with watching(load_settings()) as connection:
            days = day_states(connection, most=MOST_DAYS)
            newest = newest_audit(connection)
            unknown = audits_unknown_to_dagster(connection, after=told.audit_id)
    except DatabaseUnavailable as fault:
        return dg.SkipReason(f"A server is away, so nothing can be said: {fault}")
    state = sha1(repr(days).encode(), usedforsecurity=False).hexdigest()
    if state == told.state and not unknown:
        return dg.SkipReason(sentence(days))
    observation = dg.AssetObservation("anomalies", description=sentence(days), metadata=metadata(days))
    return dg.SensorResult(
        run_requests=[dg.RunRequest(f"audit {row.audit_id}", partition_key=row.day.isoformat()) for row in unknown],
        asset_events=[observation, gaps(days), differences(days)],
        cursor=msgspec.json.encode(Told(state, newest)).decode(),
    )


def read_told(cursor: str | None) -> Told:
    """What the cursor says; that nothing was told, where it says nothing that can be read."""
    try:
        return msgspec.json.decode(cursor, type=Told) if cursor else Told()
    except msgspec.DecodeError:
        return Told()


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
