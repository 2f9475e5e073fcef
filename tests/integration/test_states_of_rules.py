"""GET /rules/states says how each rule is doing; POST /rules/{id}/resume sets a suspended one to work again."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import polars as pl
import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from eventpulse.database.rules.rule_states import rule_states
from eventpulse.database.transactions import reading
from tests.draining import a_drain, current_anomalies, publish

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
CONDITION = {"type": "threshold", "metric": "count", "operator": ">", "value": 5}
RULE = {"severity": "warning", "window_seconds": 60, "condition": CONDITION}


def made(api: TestClient, name: str, **more: Any) -> str:
    rule_id: str = api.post("rules", json={**RULE, "name": name, **more}).json()["rule_id"]
    return rule_id


def failed(engine: Engine, rule_id: str, failures: int, *, suspended: bool) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "insert into eventpulse.rule_progress (rule_id, semantic_hash, failures, last_error, suspended_at)"
                " values (:rule, 'x', :failures, 'it broke', case when :suspended then now() end)"
            ),
            {"rule": rule_id, "failures": failures, "suspended": suspended},
        )


def fired(engine: Engine, rule_id: str, *instants: datetime, state: str = "current") -> None:
    with engine.begin() as connection:
        for instant in instants:
            connection.execute(
                text(
                    "insert into eventpulse.anomalies (anomaly_id, rule_id, rule_version, severity, message, "
                    '"group", group_key, occurred_at, window_start, window_end, contributing, contributing_count,'
                    " origin, state, retracted_at, batch_id) values (gen_random_uuid(), :rule, 1, 'info', 'm', '{}', 0,"
                    " :at, :at, :at, '{}', 0, 'live', :state, case when :state = 'retracted' then now() end, 1)"
                ),
                {"rule": rule_id, "at": instant, "state": state},
            )


def states(api: TestClient) -> dict[str, dict[str, Any]]:
    answer = api.get("rules/states")
    assert answer.status_code == 200, answer.text
    return {state["name"]: state for state in answer.json()}


def test_a_state_says_whether_a_rule_is_evaluated(api: TestClient, engine: Engine) -> None:
    made(api, "well")
    made(api, "quiet", mode="shadow")
    failed(engine, made(api, "failing"), 2, suspended=False)
    failed(engine, made(api, "suspended"), 5, suspended=True)
    failed(engine, made(api, "off", enabled=False), 5, suspended=True)

    shown = states(api)

    assert {name: state["state"] for name, state in shown.items()} == {
        **{"failing": "failing", "off": "disabled", "quiet": "shadow", "suspended": "suspended", "well": "live"}
    }
    assert (shown["failing"]["failures"], shown["failing"]["last_error"]) == (2, "it broke")
    assert shown["suspended"]["suspended_at"] is not None
    assert (shown["well"]["failures"], shown["well"]["last_error"], shown["well"]["last_fired_at"]) == (0, None, None)


def test_fires_are_counted_by_day_of_event_time(api: TestClient, engine: Engine) -> None:
    rule_id = made(api, "a")
    long_ago, first_day = NOON - timedelta(days=13, hours=12, microseconds=1), NOON - timedelta(days=13, hours=12)
    fired(engine, rule_id, long_ago, first_day, NOON - timedelta(days=1), NOON, NOON + timedelta(minutes=1))
    fired(engine, rule_id, NOON + timedelta(minutes=5), state="retracted")
    made(api, "b")

    with reading(engine) as connection:
        a, b = rule_states(connection, NOON.date())

    assert [(fires.day.isoformat(), fires.count) for fires in a.fires] == [
        *(("2026-01-18", 1), ("2026-01-30", 1), ("2026-01-31", 2))
    ]
    assert a.rule.last_fired_at == NOON + timedelta(minutes=1)
    assert (list(b.fires), b.rule.last_fired_at) == ([], None)


def test_alerts_that_are_not_resolved_are_counted(api: TestClient, engine: Engine) -> None:
    rule_id = made(api, "a")
    with engine.begin() as connection:
        for state in ("open", "open", "acknowledged", "resolved"):
            connection.execute(
                text(
                    "insert into eventpulse.alerts (alert_id, rule_id, rule_name, rule_version, severity, mode, "
                    '"group", group_key,'
                    " state, opened_at, last_at, acknowledged_at, resolved_at, resolution, anomaly_count,"
                    " message, first_anomaly_id, latest_anomaly_id, origin, batch_id, meaning)"
                    " values (gen_random_uuid(), :rule, 'a', 1, 'info', 'live', '{}', 0, :state, now(), now(),"
                    " case when :state = 'acknowledged' then now() end,"
                    " case when :state = 'resolved' then now() end, case when :state = 'resolved' then"
                    " 'person' end, 1, 'm', gen_random_uuid(), gen_random_uuid(), 'live', 1, 'x')"
                ),
                {"rule": rule_id, "state": state},
            )

    assert states(api)["a"]["open_alerts"] == 3


def test_resuming_forgets_what_failed_and_moves_the_rule_book(api: TestClient, engine: Engine) -> None:
    rule_id = made(api, "a")
    failed(engine, rule_id, 5, suspended=True)

    def revision() -> int:
        with engine.connect() as connection:
            return int(connection.execute(text("select revision from eventpulse.rule_book")).scalar_one())

    before = revision()
    answer = api.post(f"rules/{rule_id}/resume")

    assert answer.status_code == 200
    assert (answer.json()["suspended_at"], answer.json()["last_error"], answer.json()["version"]) == (None, None, 1)
    assert states(api)["a"]["state"] == "live"
    assert revision() > before
    assert api.post(f"rules/{rule_id}/resume").status_code == 200


@pytest.mark.parametrize(("rule_id", "status"), [("seven", 400), ("01a213b1-0303-7bcb-a50f-e2584ead10ce", 404)])
def test_only_a_rule_that_is_there_can_be_resumed(api: TestClient, rule_id: str, status: int) -> None:
    assert api.post(f"rules/{rule_id}/resume").status_code == status


def test_a_resumed_rule_finds_anomalies_again(
    api: TestClient, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.live.store_batch import save_anomalies

    def refuse(connection: psycopg.Connection, anomalies: pl.DataFrame, **where: Any) -> None:
        raise ValueError("this cannot be written")

    rule_id = made(api, "bad", window_seconds=60, condition={"type": "match"})

    def send(number: int) -> None:
        at = (NOON + timedelta(seconds=number)).isoformat()
        publish(redis_url, [{"event_id": str(UUID(int=number + 1)), "timestamp": at}])
        drain.run_until_empty()

    with a_drain(database_url, redis_url) as drain:
        monkeypatch.setattr("pipelines.live.store_batch.save_anomalies", refuse)
        for number in range(6):
            send(number)
        monkeypatch.setattr("pipelines.live.store_batch.save_anomalies", save_anomalies)
        assert states(api)["bad"]["state"] == "suspended"
        send(6)
        assert current_anomalies(drain.connection) == []

        assert api.post(f"rules/{rule_id}/resume").status_code == 200
        send(7)

        assert [row[0] for row in current_anomalies(drain.connection)] == ["bad"]
    assert states(api)["bad"]["state"] == "live"
