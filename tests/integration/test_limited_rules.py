"""A rule with too many groups rests visibly; what stands of it is what one evaluation gives; mended, it goes on."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from eventpulse.cli.main import app
from eventpulse.settings import load_settings
from pipelines.history.audit import Auditor
from pipelines.history.backfill import Backfill
from pipelines.history.reevaluate import Reevaluation
from pipelines.read_rules import named_rules
from tests.draining import a_drain, current_anomalies, publish, save_rule

START = datetime(2026, 1, 30, 8, tzinfo=UTC)
DAY = date(2026, 1, 30)


def a_rule(most: int, name: str = "by address", **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "severity": "info",
        "window_seconds": 600,
        "group_by": ["payload.ip"],
        "max_groups": most,
        "condition": {"type": "threshold", "metric": "count", "operator": ">=", "value": 1},
        **changes,
    }


def events(first: int, count: int) -> list[dict[str, Any]]:
    """Events one second apart, each of an address of its own."""
    return [
        {
            "event_id": str(UUID(int=number + 1)),
            "timestamp": (START + timedelta(seconds=number)).isoformat(),
            "payload": {"ip": f"10.0.0.{number}"},
        }
        for number in range(first, first + count)
    ]


def found_by(drain: Any, name: str) -> int:
    return sum(row[0] == name for row in current_anomalies(drain.connection))


def test_a_rule_beyond_its_limit_rests_and_the_others_go_on(
    api: TestClient, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_rule(database_url, a_rule(5))
    save_rule(database_url, a_rule(100, "roomy"))
    with a_drain(database_url, redis_url) as drain:
        for first, count in ((0, 4), (4, 3), (7, 3)):
            publish(redis_url, events(first, count))
            drain.run_until_empty()

        assert (found_by(drain, "by address"), found_by(drain, "roomy")) == (7, 10)
    shown = {rule["name"]: rule for rule in api.get("rules").json()}
    assert shown["by address"]["limited_at"] is not None
    assert shown["by address"]["limited_why"].startswith("It has 7 groups, and its max_groups is 5.")
    states = {rule["name"]: rule["state"] for rule in api.get("rules/states").json()}
    assert states == {"by address": "limited", "roomy": "live"}
    assert (shown["roomy"]["limited_at"], shown["roomy"]["limited_why"]) == (None, None)
    assert 'eventpulse_rules_troubled{trouble="limited"} 1.0' in api.get("http://127.0.0.1/metrics").text
    monkeypatch.setenv("DATABASE_URL", database_url)
    told = CliRunner().invoke(app, ["status"], env={"COLUMNS": "500"}).output
    assert 'Rules: "by address" is limited since' in told
    assert "It has 7 groups" in told

    with a_drain(database_url, redis_url) as successor:  # a fresh process knows too
        publish(redis_url, events(10, 2))
        successor.run_until_empty()
        assert (found_by(successor, "by address"), found_by(successor, "roomy")) == (7, 12)


def test_a_limited_rule_that_is_changed_goes_on_and_a_backfill_finds_what_it_missed(
    api: TestClient, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    save_rule(database_url, a_rule(5))
    with a_drain(database_url, redis_url) as drain:
        for first, count in ((0, 7), (7, 3)):
            publish(redis_url, events(first, count))
            drain.run_until_empty()
        rule_id = api.get("rules").json()[0]["rule_id"]
        assert api.patch(f"rules/{rule_id}", json={"max_groups": 50}).json()["limited_at"] is None

        publish(redis_url, events(10, 2))
        drain.run_until_empty()
        since_changed = {row[2] for row in current_anomalies(drain.connection)} - {
            START + timedelta(seconds=number) for number in range(7)
        }
        assert since_changed == {START + timedelta(seconds=number) for number in (10, 11)}

        rules = named_rules(drain.connection, None)
        work = Backfill(drain.connection, load_settings())
        for _ in work.run(work.plan(rules, START, START + timedelta(hours=1))):
            pass
        meaning = "select count(*) from eventpulse.anomalies where state = 'current' and rule_version = 2"
        assert drain.connection.execute(meaning).fetchone() == (12,)


def test_a_backfill_stops_with_a_rule_that_meets_too_many_groups_and_an_audit_agrees_with_what_it_covered(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    with a_drain(database_url, redis_url) as drain:
        publish(redis_url, [{**event, "timestamp": minute(number)} for number, event in enumerate(events(0, 12))])
        drain.run_until_empty()
        save_rule(database_url, a_rule(5, window_seconds=86_400))
        rules = named_rules(drain.connection, None)
        settings = load_settings()
        work = Backfill(drain.connection, settings)
        pieces = [piece for piece in work.plan(rules, START, START + timedelta(hours=1))]
        again = [passed for passed in _in_slices(work, pieces)]

        assert [len(passed.new) for passed in again if passed.new.height] == [4, 4]
        assert "max_groups is 5" in next(iter(again[-1].faults.values()))
        audit = Auditor(drain.connection, settings, rules).audit(DAY)
        [finding] = audit.findings
        assert (finding.computed, finding.standing, finding.differs) == (8, 8, False)
        assert any("Not evaluated" in remark for remark in finding.remarks)


def minute(number: int) -> str:
    return (START + timedelta(minutes=number)).isoformat()


def _in_slices(work: Backfill, pieces: Any) -> Any:
    for piece in pieces:
        again = Reevaluation(work.connection, piece.rules, "backfill", slice_events=4)
        yield from again.over(piece.start, piece.end)


def test_a_limited_rule_can_be_resumed(api: TestClient, database_url: str, redis_url: str) -> None:
    save_rule(database_url, a_rule(5, window_seconds=1))
    with a_drain(database_url, redis_url) as drain:
        publish(redis_url, [{**event, "timestamp": minute(0)} for event in events(0, 7)])
        drain.run_until_empty()
        rule_id = api.get("rules").json()[0]["rule_id"]
        assert api.get(f"rules/{rule_id}").json()["limited_at"] is not None
        assert api.post(f"rules/{rule_id}/resume").json()["limited_at"] is None

        publish(redis_url, [{**event, "timestamp": minute(5)} for event in events(7, 2)])
        drain.run_until_empty()
        assert found_by(drain, "by address") == 9
