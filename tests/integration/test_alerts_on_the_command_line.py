"""`eventpulse alerts`: alerts are listed, acknowledged and resolved from a terminal."""

import json
from collections.abc import Callable
from contextlib import nullcontext

import psycopg
import pytest
from click.testing import Result
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from eventpulse.cli import alerts as command
from eventpulse.cli.alert_api import AlertApi
from tests.alerts_in_database import alert_id, open_alerts

FIRST, SECOND = str(alert_id(1)), str(alert_id(2))


@pytest.fixture
def run(api: TestClient, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs the command against the API of the test, where two alerts are open."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        open_alerts(connection, 1, 2)
    server = AlertApi(api, "http://127.0.0.1")  # type: ignore[arg-type]
    monkeypatch.setattr(command, "open_alert_api", lambda url, key: nullcontext(server))
    return lambda *words: CliRunner().invoke(command.alerts, words)


def states(run: Callable[..., Result]) -> dict[str, str]:
    told = [json.loads(line) for line in run("list", "--state", "all", "--json").output.splitlines()]
    return {alert["alert_id"]: alert["state"] for alert in told}


def test_alerts_are_acknowledged_and_resolved_and_listed_as_what_they_are(run: Callable[..., Result]) -> None:
    assert run("ack", FIRST, SECOND, "--by", "ada").exit_code == 0
    assert run("ack", FIRST, "--undo").exit_code == 0
    assert run("resolve", SECOND, "--note", "planned").exit_code == 0

    assert states(run) == {FIRST: "open", SECOND: "resolved"}
    assert FIRST in run("list").output and SECOND not in run("list").output
    history = json.loads(run("show", SECOND).output)["history"]
    assert [(each["what"], each["by"]) for each in history if each["by"] == "ada"] == [("acknowledged", "ada")]
    assert "planned" in [each["note"] for each in history]


def test_what_cannot_be_done_is_said(run: Callable[..., Result]) -> None:
    run("resolve", FIRST)

    again, unknown = run("ack", FIRST), run("show", "00000000-0000-4000-8000-000000000000")

    assert again.exit_code == unknown.exit_code == 1
    assert "Refused with 409" in str(again.exception)
    assert "Refused with 404: Alert not found" in str(unknown.exception)
