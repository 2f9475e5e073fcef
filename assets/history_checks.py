"""Checks that show at one glance whether any day of history has gaps or differs, however many days there are.

Dagster shows of a check by partition how the one that was made last went. Which days there are that need work has to be
said by checks of their own: after each run over history, and by the sensor `history_watch`.
"""

from collections.abc import Sequence
from datetime import date

import dagster as dg

from assets.anomalies import anomalies
from assets.rule_audit import rule_audit
from eventpulse.database.connect import open_engine
from eventpulse.database.day_states import DayState, day_states
from eventpulse.database.transactions import reading
from eventpulse.settings import Settings, load_settings

EVALUATED = "no_day_has_gaps"
AGREE = "no_day_differs"
MOST_DAYS = 90
_MOST_NAMED = 10


def look(settings: Settings) -> list[DayState]:
    """How the newest days with events stand."""
    engine = open_engine(settings.database_address(), application="eventpulse watch", pool_size=1)
    try:
        with reading(engine) as connection:
            return day_states(connection, most=MOST_DAYS)
    finally:
        engine.dispose()


@dg.asset_check(
    asset=anomalies.key,
    name=EVALUATED,
    description=f"Every rule that is enabled has evaluated all of the newest {MOST_DAYS} days with events. Yellow: "
    "some have gaps, since the rule is newer than the events, or they were imported.",
)
def no_day_has_gaps() -> dg.AssetCheckResult:
    """Look at the ledger of coverage now."""
    passed, said, metadata = of_gaps(look(load_settings()))
    return dg.AssetCheckResult(passed=passed, severity=dg.AssetCheckSeverity.WARN, description=said, metadata=metadata)


@dg.asset_check(
    asset=rule_audit.key,
    name=AGREE,
    description=f"Of the newest {MOST_DAYS} days with events, none differs from its events according to its last "
    "audit. Red: some do, and the check says what makes them agree.",
)
def no_day_differs() -> dg.AssetCheckResult:
    """Look at the last audit of each day."""
    passed, said, metadata = of_differences(look(load_settings()))
    return dg.AssetCheckResult(passed=passed, severity=dg.AssetCheckSeverity.ERROR, description=said, metadata=metadata)


def evaluations(days: Sequence[DayState]) -> list[dg.AssetCheckEvaluation]:
    """The same results outside of a run."""
    gaps, differences = of_gaps(days), of_differences(days)
    warn, error = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
    return [
        dg.AssetCheckEvaluation(key, name, passed=passed, severity=severity, description=said, metadata=metadata)
        for key, name, severity, (passed, said, metadata) in (
            (anomalies.key, EVALUATED, warn, gaps),
            (rule_audit.key, AGREE, error, differences),
        )
    ]


def of_gaps(days: Sequence[DayState]) -> tuple[bool, str, dict[str, int]]:
    """Whether no day has gaps, in words, and in numbers."""
    having = [day.day for day in days if day.rules_with_gaps]
    counts = {"days": len(days), "days_with_gaps": len(having)}
    if not having:
        return True, f"All of {len(days)} days with events have been evaluated by every rule.", counts
    return (
        False,
        f"{len(having)} of {len(days)} days have not been evaluated by every rule: {_named(having)}. "
        f"`eventpulse backfill {_stretch(having)}` evaluates what is missing; so does materialising those days with "
        "`only_gaps`.",
        counts,
    )


def of_differences(days: Sequence[DayState]) -> tuple[bool, str, dict[str, int]]:
    """Whether no audited day differs, in words, and in numbers."""
    differing = [day.day for day in days if day.audited == "DIFFERS"]
    due = sum(day.audited == "no" for day in days)
    counts = {"days": len(days), "days_that_differ": len(differing), "days_not_audited": due}
    if not differing:
        audited = sum(day.agrees is not None for day in days)
        return True, f"{audited} of {len(days)} days with events have been audited, and none differs.", counts
    return (
        False,
        f"{len(differing)} of {len(days)} days differ from their events: {_named(differing)}. "
        f"`eventpulse audit {_stretch(differing)} --repair`, or the job `repair` on these days, makes them agree.",
        counts,
    )


def _named(days: Sequence[date]) -> str:
    names = [day.isoformat() for day in sorted(days)]
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _stretch(days: Sequence[date]) -> str:
    return f"--from {min(days)} --to {max(days)}"
