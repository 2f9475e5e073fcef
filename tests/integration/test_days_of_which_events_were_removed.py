"""What once followed from events that retention has removed stays, and nobody calls it wrong."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from eventpulse.database.events.removed_days import removed_days
from eventpulse.database.events.retention import remove_audits, remove_coverage, remove_events
from eventpulse.settings import load_settings
from pipelines.history.audit import Auditor
from pipelines.history.backfill import Backfill
from pipelines.history.whole_days import is_whole
from pipelines.read_rules import named_rules
from rules.rule import read_rule
from tests.draining import SteppedDrain, a_drain, publish, save_rule
from tests.reevaluating import forget_anomalies, standing

FIRST = date(2026, 1, 10)
START = datetime(2026, 1, 10, tzinfo=UTC)
LONG_AGO = datetime(2026, 2, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RULE = {
    "name": "many",
    "severity": "info",
    "window_seconds": 7200,
    "condition": {"type": "threshold", "metric": "count", "operator": ">", "value": 1},
}


@pytest.fixture
def drain(monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str) -> Iterator[SteppedDrain]:
    """An event every hour on four days; those of the first two days were received long ago, and are removed."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    save_rule(database_url, RULE)
    with a_drain(database_url, redis_url) as drain:
        for first in (0, 48):
            hours = range(first, first + 48)
            publish(redis_url, [{"event_id": str(UUID(int=h + 1)), "timestamp": str(START + h * HOUR)} for h in hours])
            drain.run_until_empty()
            if not first:
                drain.connection.execute("update eventpulse.batches set committed_at = %s", (LONG_AGO,))
        drain.before = standing(drain.connection)  # type: ignore[attr-defined]
        assert remove_events(drain.connection, LONG_AGO + DAY) == (48, [FIRST, FIRST + DAY])
        yield drain


def the_work(drain: SteppedDrain) -> tuple[Backfill, Auditor, list[Any]]:
    settings, rules = load_settings(), named_rules(drain.connection, None)
    return Backfill(drain.connection, settings), Auditor(drain.connection, settings, rules), rules


def test_the_days_are_written_down(drain: SteppedDrain) -> None:
    assert removed_days(drain.connection) == [FIRST, FIRST + DAY]


def test_an_audit_compares_only_where_every_event_that_matters_is_still_there(drain: SteppedDrain) -> None:
    _, auditor, _ = the_work(drain)
    for day in (FIRST + DAY, FIRST + 2 * DAY):  # the second looks back on the first
        found, left = auditor.audit_and_repair(day, print)
        assert found.agrees and left.agrees
        assert [finding.remarks for finding in found.findings] == [
            ["Not compared: events that it looks at, or back on, were removed (EVENT_RETENTION_DAYS)."]
        ]
    whole = auditor.audit(FIRST + 3 * DAY)
    assert (whole.total("computed"), whole.total("standing")) == (24, 24)
    assert standing(drain.connection) == drain.before  # type: ignore[attr-defined]


def test_evaluating_everything_again_leaves_the_anomalies_of_those_days_alone(drain: SteppedDrain) -> None:
    work, _, rules = the_work(drain)
    forget_anomalies(drain.connection, "occurred_at >= '2026-01-13'")
    for _ in work.run(work.plan(rules, START, START + 4 * DAY, again=True)):
        pass
    assert standing(drain.connection) == drain.before  # type: ignore[attr-defined]


@pytest.mark.parametrize(("days_after", "whole"), [(-1, True), (0, False), (1, False), (2, True), (9, True)])
def test_a_day_is_whole_unless_events_are_gone_that_its_window_reaches(days_after: int, whole: bool) -> None:
    assert is_whole(read_rule(RULE), FIRST + days_after * DAY, [FIRST]) is whole


def test_a_rule_that_looks_back_for_ever_finds_less_on_every_later_day() -> None:
    rule = read_rule({**RULE, "condition": {"type": "new_value", "field": "payload.agent"}})
    assert is_whole(rule, FIRST - DAY, [FIRST])
    assert not is_whole(rule, FIRST + 300 * DAY, [FIRST])


def test_old_audits_and_coverage_that_nobody_can_use_go(drain: SteppedDrain) -> None:
    _, auditor, _ = the_work(drain)
    for _ in range(3):
        auditor.audit(FIRST + 3 * DAY)
    execute = drain.connection.execute
    later = datetime.now(UTC) + DAY
    assert remove_audits(drain.connection, LONG_AGO, LONG_AGO) == 0
    assert remove_audits(drain.connection, LONG_AGO, later) == 2
    assert remove_audits(drain.connection, later, later) == 1

    execute("update eventpulse.coverage set live = false")
    assert remove_coverage(drain.connection, later) == 0
    forget_anomalies(drain.connection, "occurred_at < '2026-01-11'")
    assert remove_coverage(drain.connection, later) == 1  # neither events nor anomalies are left of the first day
    execute("update eventpulse.rules set semantic_hash = 'another'")
    assert remove_coverage(drain.connection, LONG_AGO) == 0
    assert remove_coverage(drain.connection, later) == 3
