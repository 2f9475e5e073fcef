"""Checks that show at one glance whether any day of history has gaps or differs, however many days there are.

Dagster shows of a check by partition how the one that was made last went. Which days there are that need work has to be
said by checks of their own: after each run over history, and by the sensor `history_watch`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import dagster as dg
from sqlalchemy import Connection

from eventpulse.database.anomalies.day_states import DayState, day_states
from eventpulse.database.connect import open_engine
from eventpulse.database.transactions import reading
from eventpulse.settings import Settings

MOST_DAYS = 90
_MOST_NAMED = 10

NO_GAPS = dg.AssetCheckSpec(
    "no_day_has_gaps",
    asset="anomalies",
    description=f"Every rule that is enabled has evaluated all of the newest {MOST_DAYS} days with events. Yellow: "
    "some have gaps, since the rule is newer than the events, or they were imported.",
)
NO_DIFFERENCES = dg.AssetCheckSpec(
    "no_day_differs",
    asset="rule_audit",
    description=f"Of the newest {MOST_DAYS} days with events, none differs from its events according to its last "
    "audit. Red: some do, and the check says what makes them agree.",
)


def look(settings: Settings) -> list[DayState]:
    """How the newest days with events stand."""
    with watching(settings) as connection:
        return day_states(connection, most=MOST_DAYS)


@contextmanager
def watching(settings: Settings) -> Iterator[Connection]:
    """A connection that only looks, for as long as the block lasts."""
    engine = open_engine(settings.database_address(), application="eventpulse watch", pool_size=1)
    try:
        with reading(engine) as connection:
            yield connection
    finally:
        engine.dispose()


def gaps(days: Sequence[DayState]) -> dg.AssetCheckEvaluation:
    """Whether any rule has not evaluated all of a day, and what fills it in."""
    having = [day.day for day in days if day.rules_with_gaps]
    said = f"All of {len(days)} days with events have been evaluated by every rule."
    if having:
        said = (
            f"{len(having)} of {len(days)} days have not been evaluated by every rule: {_named(having)}. "
            f"`eventpulse backfill {_stretch(having)}` evaluates what is missing; so does materialising those days "
            "with `only_gaps`."
        )
    return dg.AssetCheckEvaluation(
        NO_GAPS.asset_key,
        NO_GAPS.name,
        passed=not having,
        severity=dg.AssetCheckSeverity.WARN,
        description=said,
        metadata={"days": len(days), "days_with_gaps": len(having)},
    )


def differences(days: Sequence[DayState]) -> dg.AssetCheckEvaluation:
    """Whether any day differs according to its last audit, and what makes it agree."""
    differing = [day.day for day in days if day.audited == "DIFFERS"]
    audited = sum(day.agrees is not None for day in days)
    said = f"{audited} of {len(days)} days with events have been audited, and none differs."
    if differing:
        said = (
            f"{len(differing)} of {len(days)} days differ from their events: {_named(differing)}. `eventpulse audit "
            f"{_stretch(differing)} --repair`, or the job `repair` on these days, makes them agree."
        )
    return dg.AssetCheckEvaluation(
        NO_DIFFERENCES.asset_key,
        NO_DIFFERENCES.name,
        passed=not differing,
        severity=dg.AssetCheckSeverity.ERROR,
        description=said,
        metadata={"days": len(days), "days_that_differ": len(differing), "days_audited": audited},
    )


def _named(days: Sequence[date]) -> str:
    names = [day.isoformat() for day in sorted(days)]
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _stretch(days: Sequence[date]) -> str:
    return f"--from {min(days)} --to {max(days)}"
