"""History that tests can evaluate again, on real servers."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from eventpulse.clock import Clock, utc_now
from pipelines.history.reevaluate import Passed, Reevaluation
from pipelines.read_rules import read_rules

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(2100, 1, 1, tzinfo=UTC)


def reevaluate(
    connection: psycopg.Connection,
    start: datetime = BEGINNING,
    end: datetime = END,
    *,
    names: Sequence[str] | None = None,
    origin: str = "backfill",
    slice_events: int = 100_000,
    clock: Clock = utc_now,
) -> list[Passed]:
    """Evaluate the rule book, or some of its rules, over a stretch; the slices that were passed."""
    rules, _ = read_rules(connection)
    wanted = [rule for rule in rules if names is None or rule.name in names]
    again = Reevaluation(
        connection,
        wanted,
        origin=origin,
        idle=timedelta(seconds=10),
        lateness=timedelta(seconds=5),
        clock=clock,
        slice_events=slice_events,
    )
    return list(again.over(start, end))


def standing(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    """Everything that rules say about the anomalies that stand, whoever found them."""
    return connection.execute(
        """
        select anomaly_id::text, rule_id::text, severity, message, "group"::text, event_id::text, position, occurred_at,
            value, threshold, expected, window_start, window_end, contributing::text[], contributing_count
        from eventpulse.anomalies where state = 'current' order by anomaly_id
        """
    ).fetchall()


def counts(passed: Iterable[Passed]) -> tuple[int, int, int]:
    """How many were missing, extra and changed."""
    differences = [each for one in passed for each in one.differences]
    return (
        sum(each.missing for each in differences),
        sum(each.extra for each in differences),
        sum(each.changed for each in differences),
    )


def forget_anomalies(connection: psycopg.Connection, where: str = "true") -> int:
    """Remove anomalies as if they had never been found."""
    return connection.execute(f"delete from eventpulse.anomalies where {where}").rowcount
