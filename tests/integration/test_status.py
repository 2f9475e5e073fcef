"""`eventpulse status` tells how every part is, also where parts are down."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
import typer
from sqlalchemy import Engine, insert
from typer.testing import CliRunner

from eventpulse.cli.status import status
from eventpulse.database.leadership import application_name, take_lease, wait_for_leadership
from eventpulse.database.tables import batches, ledger_days
from eventpulse.embedded.ports import choose_free_port

app = typer.Typer()
app.command()(status)


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> pytest.MonkeyPatch:
    monkeypatch.setenv("EVENTPULSE_HOME", str(tmp_path))
    for name in ("PORT", "EVENTPULSE_DAGSTER_PORT", "EVENTPULSE_CODE_PORT"):
        monkeypatch.setenv(name, str(choose_free_port()))
    return monkeypatch


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def ask() -> tuple[int, dict[str, object], dict[str, str]]:
    result = CliRunner().invoke(app, ["--json"])
    document = json.loads(result.output)
    return result.exit_code, document, {part["name"]: part["state"] for part in document["parts"]}


def test_every_part_that_is_down_gets_its_sentence(nothing_runs: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(app, [], env={"COLUMNS": "300"})
    assert result.exit_code == 1
    assert "EventPulse is not running here, and DATABASE_URL is not set" in result.output
    assert "nothing listens at http://127.0.0.1:" in result.output
    assert "Backlog: unknown while Redis is down" in result.output
    assert "Notifications: unknown while PostgreSQL is down" in result.output


def test_servers_that_never_answer_are_down_too(nothing_runs: pytest.MonkeyPatch, silent_port: int) -> None:
    nothing_runs.setenv("DATABASE_URL", f"postgresql://u:p@127.0.0.1:{silent_port}/d")
    nothing_runs.setenv("REDIS_URL", f"redis://127.0.0.1:{silent_port}/0")
    nothing_runs.setenv("PORT", str(silent_port))
    code, document, states = ask()
    assert code == 1
    assert document["healthy"] is False
    assert {states[name] for name in ("PostgreSQL", "Redis", "HTTP API")} == {"down"}
    assert states["Leading drain"] == "unknown"


def test_servers_drain_and_ledger_are_shown_while_the_rest_is_down(
    nothing_runs: pytest.MonkeyPatch, engine: Engine, database_url: str, redis_url: str
) -> None:
    nothing_runs.setenv("DATABASE_URL", database_url)
    nothing_runs.setenv("REDIS_URL", redis_url)
    now = datetime.now(UTC)
    counts = {"taken": 10, "stored": 7, "duplicates": 2, "dead_lettered": 1}
    with engine.begin() as connection:
        day = {"day": now.date(), "origin": "live", "shard": 0, "batches": 2}
        sums = {column.name: 0 for column in ledger_days.c if column.name not in day}
        sums |= {name: 2 * count for name, count in counts.items()} | {"anomalies_info": 6}
        connection.execute(insert(ledger_days).values(day | sums))
        for _ in range(2):
            row = {"origin": "live", "started_at": now, "oldest_received_at": now, "anomalies": 3}
            connection.execute(insert(batches).values(row | counts))
    run_id = "11111111-2222-3333-4444-555555555555"
    with psycopg.connect(database_url, autocommit=True, application_name=application_name(run_id)) as leader:
        wait_for_leadership(leader, 0, at_most_milliseconds=1000)
        take_lease(leader, 0, run_id, 600)
        code, document, states = ask()

    assert (states["Sender"], states["Channels"]) == ("down", "up")  # nobody sends, and there is no channel
    assert (document["notifications"]["waiting"], document["notifications"]["unrouted"]) == (0, 0)  # type: ignore[index]
    assert code == 1  # nobody answers for the API and for Dagster
    assert (states["PostgreSQL"], states["Redis"], states["Leading drain"]) == ("up", "up", "up")
    assert states["HTTP API"] == states["Dagster webserver"] == "down"
    ledger, balance = document["ledger"], document["balance"]
    assert {name: ledger[name] for name in counts} == {name: 2 * count for name, count in counts.items()}  # type: ignore[index]
    assert (ledger["batches"], ledger["anomalies"]) == (2, 6)  # type: ignore[index]
    assert (balance["holds"], balance["accepted"], balance["pending"]) == (True, 20, 0)  # type: ignore[index]
    assert document["backlog"] == {"entries": 0, "pending": 0, "oldest_seconds": None}
    assert [batch["taken"] for batch in document["batches"]] == [10, 10]  # type: ignore[index,attr-defined]
