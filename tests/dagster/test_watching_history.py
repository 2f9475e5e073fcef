"""A person sees which days are live, backfilled, audited or missing; Dagster is told when that changes."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import dagster as dg
import pytest

from eventpulse.settings import load_settings
from pipelines.history.audit import Auditor
from pipelines.history.backfill import Backfill
from pipelines.read_rules import named_rules
from sensors.history_watch import history_watch
from tests.draining import a_drain, publish, save_rule
from tests.reevaluating import forget_anomalies

FIRST = datetime(2026, 1, 29, tzinfo=UTC)
DAY = timedelta(days=1)
RULE = {"name": "each", "severity": "info", "window_seconds": 60, "condition": {"type": "match"}}
#: Its meaning depends on its member, so it is not the one that its document alone has.
COMPOSITE = {**RULE, "name": "both", "condition": {"type": "composite", "expression": "each"}}


def told(cursor: str | None) -> tuple[str | None, dict[str, tuple[str, str, str]], dict[str, str | None]]:
    """The cursor, evaluated, gaps and audit of each day, and what the checks that fail say; nothing where Dagster is
    told nothing."""
    with dg.instance_for_test() as instance:
        context = dg.build_sensor_context(instance, cursor=cursor, sensor_name="history_watch")
        result = history_watch(context)
    if isinstance(result, dg.SkipReason):
        return cursor, {}, {}
    assert isinstance(result, dg.SensorResult)
    [observation, *checks] = result.asset_events
    rows: Any = observation.metadata["days"].records
    return (
        result.cursor,
        {row.data["day"]: (row.data["evaluated"], row.data["gaps"], row.data["audit"]) for row in rows},
        {check.check_name: check.description for check in checks if check.partition is None and not check.passed},  # type: ignore[union-attr]
    )


def test_each_day_is_told_as_it_stands_and_again_when_that_changes(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    three_days = [{"event_id": str(UUID(int=n + 1)), "timestamp": (FIRST + n * DAY).isoformat()} for n in range(3)]
    with a_drain(database_url, redis_url) as drain:
        publish(redis_url, three_days[:1])
        drain.run_until_empty()
        save_rule(database_url, RULE)
        save_rule(database_url, COMPOSITE)
        publish(redis_url, three_days[1:])
        drain.run_until_empty()
        drain.connection.execute(
            "update eventpulse.coverage set live = false,"
            " evaluated = tstzmultirange(tstzrange(day::timestamptz, day + interval '1 day'))"
        )
        cursor, first, failing = told(None)
        assert first == {
            "2026-01-31": ("live", "none", "no"),
            "2026-01-30": ("live", "none", "no"),
            "2026-01-29": ("missing", "2 of 2 rules", "no"),
        }
        assert failing == {
            "no_day_has_gaps": "1 of 3 days have not been evaluated by every rule: 2026-01-29. `eventpulse backfill"
            " --from 2026-01-29 --to 2026-01-29` evaluates what is missing; so does materialising those days with"
            " `only_gaps`."
        }
        assert told(cursor) == (cursor, {}, {})

        settings, rules = load_settings(), named_rules(drain.connection, None)
        work = Backfill(drain.connection, settings)
        for _ in work.run(work.plan(rules, FIRST, FIRST + DAY)):
            pass
        forget_anomalies(drain.connection, "occurred_at >= '2026-01-30'")
        auditor = Auditor(drain.connection, settings, rules)
        auditor.audit(FIRST.date())
        auditor.audit((FIRST + DAY).date())

        _, second, failing = told(cursor)
        assert failing == {
            "no_day_differs": "1 of 3 days differ from their events: 2026-01-30. `eventpulse audit --from 2026-01-30"
            " --to 2026-01-30 --repair`, or the job `repair` on these days, makes them agree."
        }
        assert second == {
            "2026-01-31": ("live", "none", "no"),
            "2026-01-30": ("live", "none", "DIFFERS"),
            "2026-01-29": ("backfilled", "none", "agrees"),
        }


def test_a_day_that_live_detection_is_at_has_no_gap_though_nothing_has_come_for_long(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    save_rule(database_url, RULE)
    with a_drain(database_url, redis_url) as drain:
        publish(redis_url, [{"event_id": str(UUID(int=1)), "timestamp": FIRST.isoformat()}])
        drain.run_until_empty()
        drain.connection.execute(
            "update eventpulse.coverage set live = true,"
            " evaluated = tstzmultirange(tstzrange(day::timestamptz, day + interval '1 hour'))"
        )

        assert told(None)[1:] == ({"2026-01-29": ("live", "none", "no")}, {})

        drain.connection.execute("update eventpulse.coverage set live = false")
        assert told(None)[1] == {"2026-01-29": ("live", "1 of 1 rules", "no")}
