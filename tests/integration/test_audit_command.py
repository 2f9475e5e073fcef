"""`eventpulse audit` finds what is missing, extra or changed among the anomalies of closed days, and repairs it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from eventpulse.cli.main import app
from tests.draining import SteppedDrain, a_drain, publish, save_rule
from tests.reevaluating import forget_anomalies, standing

START = datetime(2026, 1, 29, 23, tzinfo=UTC)
DAY = "2026-01-31"
RULE = {
    "name": "many",
    "severity": "info",
    "window_seconds": 3600,
    "condition": {"type": "threshold", "metric": "count", "operator": ">", "value": 2},
}


def an_event(number: int, at: datetime) -> dict[str, Any]:
    return {"event_id": str(UUID(int=number + 1)), "timestamp": at.isoformat()}


@pytest.fixture
def drain(monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str) -> Iterator[SteppedDrain]:
    """A rule, and an event every quarter of an hour on four days, taken live."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    save_rule(database_url, RULE)
    publish(redis_url, [an_event(number, START + timedelta(minutes=15 * number)) for number in range(240)])
    with a_drain(database_url, redis_url, correct=timedelta(hours=1)) as drain:
        drain.run_until_empty()
        yield drain


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["audit", *words])
    assert result.exit_code == code, result.output
    return result.output


def audits(drain: SteppedDrain) -> list[tuple[Any, ...]]:
    return drain.connection.execute(
        "select day::text, computed, standing, missing, extra, changed, repaired from eventpulse.audits"
        " order by audit_id"
    ).fetchall()


def test_days_that_were_detected_live_agree(drain: SteppedDrain) -> None:
    said = run()

    assert said.count("agrees") == 4
    assert f"{DAY}: agrees; 96 anomalies follow from 96 events, 96 stand." in said
    assert [row[3:6] for row in audits(drain)] == [(0, 0, 0)] * 4


def test_missing_extra_and_changed_anomalies_are_found_and_repaired(drain: SteppedDrain) -> None:
    live = standing(drain.connection)
    forget_anomalies(drain.connection, f"occurred_at between '{DAY} 03:00' and '{DAY} 04:59'")
    drain.connection.execute(f"update eventpulse.anomalies set value = 77 where occurred_at = '{DAY} 06:00'")
    drain.connection.execute(
        'insert into eventpulse.anomalies (anomaly_id, rule_id, rule_version, severity, message, "group", group_key,'
        " occurred_at, window_start, window_end, contributing, contributing_count, origin, batch_id)"
        f" select gen_random_uuid(), rule_id, 1, 'info', 'invented', '{{}}', 1, '{DAY} 07:01', now(), now(), '{{}}', 0,"
        " 'live', 1 from eventpulse.rules"
    )

    said = run("--from", DAY, "--to", DAY, code=1)
    assert f"{DAY}: differs; 96 anomalies follow from 96 events, 89 stand." in said
    assert audits(drain) == [(DAY, 96, 89, 8, 1, 1, False)]

    assert "differs, and is repaired" in run("--from", DAY, "--to", DAY, "--repair")
    assert standing(drain.connection) == live
    assert audits(drain)[1:] == [(DAY, 96, 89, 8, 1, 1, True), (DAY, 96, 96, 0, 0, 0, False)]


def test_events_that_came_too_late_to_correct_anything_are_folded_in_by_a_repair(
    drain: SteppedDrain, redis_url: str
) -> None:
    at = datetime.fromisoformat(f"{DAY}T10:05:00+00:00")
    publish(redis_url, [an_event(1000 + number, at + timedelta(seconds=number)) for number in range(3)])
    drain.run_until_empty()
    assert drain.tally.anomalies == 238

    said = run("--from", DAY, "--to", DAY, code=1)
    assert "differs; 99 anomalies follow from 99 events, 96 stand" in said
    assert audits(drain)[0][3:6] == (3, 0, 4)

    run("--from", DAY, "--to", DAY, "--repair")
    assert "agrees" in run("--from", DAY, "--to", DAY)


def test_what_no_rule_has_evaluated_is_a_gap_and_no_difference(
    drain: SteppedDrain, database_url: str, redis_url: str
) -> None:
    save_rule(database_url, {**RULE, "name": "later"})

    said = run("--from", DAY, "--to", DAY)

    assert '"later": Not evaluated: 00:00:00 to 24:00:00 (UTC)' in said


def test_a_rule_that_fires_all_the_time_is_remarked(drain: SteppedDrain) -> None:
    assert '"many": It fires all the time: in 24 of 24 hours.' in run("--from", DAY, "--to", DAY)


def test_today_is_not_audited(drain: SteppedDrain) -> None:
    assert "No closed day" in run("--from", datetime.now(UTC).date().isoformat(), code=1)
