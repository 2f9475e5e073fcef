"""Audits and gaps can be read over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from eventpulse.cli.main import app
from tests.draining import a_drain, publish, save_rule
from tests.reevaluating import forget_anomalies

START = datetime(2026, 1, 30, 23, tzinfo=UTC)
DAY = "2026-01-31"
RULE: dict[str, Any] = {"name": "each", "severity": "info", "window_seconds": 60, "condition": {"type": "match"}}


@pytest.fixture(autouse=True)
def two_days_of_events(monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    save_rule(database_url, RULE)
    times = [(number, START + timedelta(hours=number)) for number in range(20)]
    publish(redis_url, [{"event_id": str(UUID(int=number + 1)), "timestamp": at.isoformat()} for number, at in times])
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
        forget_anomalies(drain.connection, f"occurred_at = '{DAY} 03:00'")


def audit(*words: str) -> None:
    CliRunner().invoke(app, ["audit", *words], catch_exceptions=False)


def test_an_audit_tells_what_differs_and_that_it_was_repaired(api: TestClient) -> None:
    audit("--from", DAY, "--to", DAY, "--repair")

    after, before = api.get("audits", params={"day": DAY}).json()["data"]

    assert (after["agrees"], after["repaired"], after["computed"]) == (True, False, 19)
    assert (before["agrees"], before["repaired"]) == (False, True)
    [finding] = before["findings"]
    assert (finding["rule_name"], finding["missing"], finding["extra"], finding["changed"]) == ("each", 1, 0, 0)
    [sample] = finding["samples"]
    assert (sample["what"], sample["occurred_at"]) == ("missing", f"{DAY}T03:00:00.000Z")


def test_audits_are_paged_newest_first(api: TestClient) -> None:
    audit()
    first = api.get("audits", params={"limit": 1}).json()
    assert [one["day"] for one in first["data"]] == [DAY]
    second = api.get("audits", params={"limit": 1, "cursor": first["pagination"]["next"]}).json()
    assert [one["day"] for one in second["data"]] == ["2026-01-30"]
    assert second["pagination"]["next"] is None


def test_a_rule_that_came_later_has_gaps_until_they_are_filled(api: TestClient, database_url: str) -> None:
    save_rule(database_url, {**RULE, "name": "later"})

    newest, oldest = api.get("coverage").json()["data"]

    assert (newest["day"], newest["events"], newest["complete"]) == (DAY, 19, False)
    assert [(gap["rule_name"], gap["from"], gap["to"]) for gap in newest["gaps"]] == [
        ("later", f"{DAY}T00:00:00.000Z", "2026-02-01T00:00:00.000Z")
    ]
    assert oldest["day"] == "2026-01-30"

    CliRunner().invoke(app, ["backfill"], catch_exceptions=False)

    assert [one["complete"] for one in api.get("coverage").json()["data"]] == [True, True]


@pytest.mark.parametrize(("path", "wrong"), [("audits", {"day": "yesterday"}), ("coverage", {"cursor": "x"})])
def test_what_makes_no_sense_is_refused(api: TestClient, path: str, wrong: dict[str, str]) -> None:
    answer = api.get(path, params=wrong)
    assert answer.status_code == 400
    assert "error" in answer.json()
