"""`eventpulse backfill` fills the gaps of history, says what it found, and goes on where it was interrupted."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from eventpulse.cli.main import app
from eventpulse.dagster_reports import DagsterReports
from eventpulse.stream.connect import open_redis
from eventpulse.stream.keys import ANOMALY_NOTIFICATIONS
from pipelines.history import backfill as module
from tests.draining import a_drain, publish, save_rule
from tests.reevaluating import standing

START = datetime(2026, 1, 29, 23, tzinfo=UTC)


def a_rule(name: str, **more: Any) -> dict[str, Any]:
    condition = {"type": "threshold", "metric": "count", "operator": ">", "value": 2}
    return {"name": name, "severity": "info", "window_seconds": 3600, "condition": condition, **more}


@pytest.fixture
def three_days(monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str) -> str:
    """Stored events on four days, one every quarter of an hour, and no rule yet."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    events = [
        {"event_id": str(UUID(int=number + 1)), "timestamp": (START + timedelta(minutes=15 * number)).isoformat()}
        for number in range(240)
    ]
    publish(redis_url, events)
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
    return database_url


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["backfill", *words])
    assert result.exit_code == code, result.output
    return result.output


def anomalies(database_url: str, redis_url: str) -> list[tuple[Any, ...]]:
    with a_drain(database_url, redis_url) as drain:
        return standing(drain.connection)


def test_a_new_rule_is_evaluated_over_all_that_is_stored_and_once_is_enough(three_days: str, redis_url: str) -> None:
    save_rule(three_days, a_rule("many"))

    said = run()

    assert "1 rules over 240 events" in said
    assert len(anomalies(three_days, redis_url)) == 238
    assert "nothing to do" in run()
    assert "0 found" not in run("--again")
    assert len(anomalies(three_days, redis_url)) == 238


def test_days_and_rules_can_be_chosen(three_days: str, redis_url: str) -> None:
    save_rule(three_days, a_rule("many"))
    save_rule(three_days, a_rule("more", window_seconds=7200))

    run("--rule", "many", "--from", "2026-01-30", "--to", "2026-01-30")

    found = anomalies(three_days, redis_url)
    assert len(found) == 96
    assert {row[7].date().isoformat() for row in found} == {"2026-01-30"}


def test_an_interrupted_backfill_goes_on_from_there(
    three_days: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_rule(three_days, a_rule("many"))
    go_on = module.Reevaluation.over

    def first_slice_only(self: Any, start: datetime, end: datetime) -> Any:
        self.slice_events = 60
        slices = go_on(self, start, end)
        yield next(slices)
        raise KeyboardInterrupt

    monkeypatch.setattr(module.Reevaluation, "over", first_slice_only)
    assert "goes on from here" in run(code=130)
    monkeypatch.undo()
    monkeypatch.setenv("DATABASE_URL", three_days)
    found = anomalies(three_days, redis_url)
    assert 0 < len(found) < 100

    said = run()

    assert "over 240 events" not in said
    assert len(anomalies(three_days, redis_url)) == 238


@pytest.mark.parametrize(("option", "told"), [([], 0), (["--notify"], 238)])
def test_nobody_is_told_of_the_past_unless_that_is_asked_for(
    three_days: str, redis_url: str, option: list[str], told: int
) -> None:
    save_rule(three_days, a_rule("many"))
    with open_redis(redis_url) as client, client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(ANOMALY_NOTIFICATIONS)
        listener.get_message(timeout=1.0)

        run(*option)

        heard = 0
        while listener.get_message(timeout=0.2) is not None:
            heard += 1
        assert heard == told


def test_an_unknown_rule_is_named(three_days: str) -> None:
    save_rule(three_days, a_rule("many"))
    assert 'There is no rule "mani". Did you mean "many"?' in run("--rule", "mani", code=1)


def test_a_stretch_that_ends_before_it_begins_is_refused(three_days: str) -> None:
    assert "does not lie before" in run("--from", "2026-02-02", "--to", "2026-01-30", code=1)


def test_dagster_is_told_what_stands_of_each_day_and_what_was_found(
    three_days: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, Any] = {}
    monkeypatch.setattr(DagsterReports, "materialised", lambda self, asset, days: told.update({asset: days}))
    save_rule(three_days, a_rule("many"))

    run()
    first = told["anomalies"]["2026-01-30"]
    run("--again")
    again, alerts = told["anomalies"]["2026-01-30"], told["alerts"]

    assert (first["dagster/row_count"], first["found"]) == (96, 96)
    assert (again["dagster/row_count"], again["found"], again["events_evaluated"]) == (96, 0, 96)
    assert {day: said["dagster/row_count"] for day, said in alerts.items()} == {"2026-01-29": 1}
