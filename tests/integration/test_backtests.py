"""A draft can be tried over stored history, by command and over HTTP, and nothing of it is stored."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from eventpulse.cli.main import app
from tests.draining import a_drain, publish, save_rule
from tests.reevaluating import standing

START = datetime(2026, 1, 29, 23, tzinfo=UTC)
BETWEEN = {"from": "2026-01-30T00:00:00Z", "to": "2026-02-01T00:00:00Z"}
RULE: dict[str, Any] = {
    "name": "many",
    "severity": "info",
    "window_seconds": 3600,
    "cooldown_seconds": 7200,
    "condition": {"type": "threshold", "metric": "count", "operator": ">", "value": 3},
}


@pytest.fixture(autouse=True)
def stored(monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str) -> None:
    """An event every quarter of an hour on four days, and the anomalies of a rule."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    save_rule(database_url, RULE)
    times = [(number, START + timedelta(minutes=15 * number)) for number in range(240)]
    publish(redis_url, [{"event_id": str(UUID(int=number + 1)), "timestamp": at.isoformat()} for number, at in times])
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()


def with_value(value: float) -> dict[str, Any]:
    return {**RULE, "condition": {**RULE["condition"], "value": value}}


def test_a_draft_tells_what_it_would_have_found_by_day_and_what_is_new_about_it(
    api: TestClient, database_url: str, redis_url: str
) -> None:
    with a_drain(database_url, redis_url) as drain:
        before = standing(drain.connection)
        answer = api.post("rules/backtest", json={"rule": {**RULE, "cooldown_seconds": 3600}, **BETWEEN})
        assert answer.status_code == 200, answer.text
        assert standing(drain.connection) == before

    told = answer.json()
    assert told["events"] == 192
    [variant] = told["variants"]
    assert variant["anomalies"] == 48
    assert variant["by_day"] == [
        {"day": "2026-01-30", "anomalies": 24, "alerts": 1},
        {"day": "2026-01-31", "anomalies": 24, "alerts": 0},
    ]
    assert (variant["alerts"], variant["notifications"], variant["groups"]) == (1, 0, 1)
    assert variant["for_nobody"] == 1  # there is no channel
    difference = variant["difference"]
    assert difference["same"] + difference["new"] == 48
    assert difference["same"] + difference["gone"] == 24  # what stands: one anomaly every other hour
    assert variant["examples"][0]["message"].startswith("4 events in 3600 s")


def test_the_rule_that_stands_differs_from_nothing(api: TestClient, database_url: str) -> None:
    rule_id = api.get("rules").json()[0]["rule_id"]
    whole = {"from": "2026-01-29T00:00:00Z", "to": "2026-02-03T00:00:00Z"}
    [variant] = api.post("rules/backtest", json={"rule_id": rule_id, **whole}).json()["variants"]
    assert (variant["difference"]["new"], variant["difference"]["gone"]) == (0, 0)
    assert variant["difference"]["same"] == variant["anomalies"] > 0


def test_a_sweep_tries_every_combination_in_one_pass(api: TestClient) -> None:
    sweep = {"condition.value": [3, 4, 7], "window_seconds": [3600, 7200]}
    variants = api.post("rules/backtest", json={"rule": RULE, **BETWEEN, "sweep": sweep}).json()["variants"]

    found = {tuple(one["parameters"].values()): one["anomalies"] > 0 for one in variants}

    assert found == {
        (3, 3600): True,
        (3, 7200): True,
        (4, 3600): False,
        (4, 7200): True,
        (7, 3600): False,
        (7, 7200): True,
    }


def test_each_channel_tells_what_it_would_have_been_given(api: TestClient) -> None:
    for name, severity in (("on duty", "info"), ("pager", "critical")):
        channel = {"name": name, "url": "json://127.0.0.1:9/", "matcher": {"severity": severity}}
        assert api.post("channels", json=channel).status_code == 201
    [variant] = api.post("rules/backtest", json={"rule": RULE, **BETWEEN}).json()["variants"]
    assert variant["channels"] == [
        {"name": "on duty", "alerts": 1, "messages": 1},
        {"name": "pager", "alerts": 0, "messages": 0},
    ]
    assert (variant["notifications"], variant["for_nobody"]) == (1, 0)


def test_a_rule_in_shadow_mode_would_notify_nobody(api: TestClient) -> None:
    assert api.post("channels", json={"name": "on duty", "url": "json://127.0.0.1:9/"}).status_code == 201
    [variant] = api.post("rules/backtest", json={"rule": {**RULE, "mode": "shadow"}, **BETWEEN}).json()["variants"]
    assert (variant["alerts"], variant["notifications"], variant["for_nobody"]) == (1, 0, 1)


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"rule": RULE}, 400, "from"),
        ({**BETWEEN}, 400, "either rule or rule_id"),
        ({"rule": RULE, "from": BETWEEN["to"], "to": BETWEEN["from"]}, 400, "from must be before to"),
        ({"rule": {**RULE, "window_seconds": 0}, **BETWEEN}, 400, "window_seconds"),
        ({"rule": RULE, **BETWEEN, "sweep": {"condition.value": ["many"]}}, 400, "value"),
        ({"rule": RULE, **BETWEEN, "sweep": {"window_seconds": list(range(1, 52))}}, 400, "1 to 50 variants"),
        ({"rule_id": str(UUID(int=7)), **BETWEEN}, 404, "Rule not found"),
    ],
)
def test_what_cannot_be_tried_is_refused(api: TestClient, asked: dict[str, Any], status: int, said: str) -> None:
    answer = api.post("rules/backtest", json=asked)
    assert answer.status_code == status
    assert said in answer.text


def test_files_of_rules_are_tried_by_command(tmp_path: Path) -> None:
    file = tmp_path / "many.yaml"
    file.write_text(yaml.safe_dump(RULE))

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, ["rules", "backtest", str(file), *words], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    said = run("--from", "2026-01-30", "--to", "2026-01-31")
    assert "2026-01-30: 12 anomalies, 1 alerts" in said

    told = json.loads(run("--from", "2026-01-30", "--to", "2026-01-31", "--sweep", "condition.value=3,4", "--json"))
    assert [one["anomalies"] > 0 for one in told["rules"][0]["variants"]] == [True, False]
