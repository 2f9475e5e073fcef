"""`eventpulse channels`, `deliveries` and `silences`, as a person at a terminal uses them."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from click.testing import Result
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from eventpulse.cli import channels, deliveries, silences
from eventpulse.cli.notification_api import NotificationApi
from tests.receivers import http_receiver

COMMANDS = {"channels": channels, "deliveries": deliveries, "silences": silences}


@pytest.fixture
def run(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command against the API of the test."""

    @contextmanager
    def open_api(base_url: str, key: str | None) -> Iterator[NotificationApi]:
        yield NotificationApi(api, "http://127.0.0.1")  # type: ignore[arg-type]

    for module in COMMANDS.values():
        monkeypatch.setattr(module, "open_notification_api", open_api)

    def invoke(command: str, *words: str, said: str | None = None) -> Result:
        app = getattr(COMMANDS[command], command)
        return CliRunner().invoke(app, words, input=said, env={"COLUMNS": "250"})

    return invoke


def test_a_channel_is_added_tried_changed_and_removed(run: Callable[..., Result]) -> None:
    assert "nobody is told" in run("channels", "list").output
    with http_receiver(200, 500) as receiver:
        said = run(
            "channels",
            "add",
            "hook",
            "--webhook",
            "--severity",
            "critical",
            said=f"{receiver.url}\na secret of the hook\n",
        )
        assert said.exit_code == 0 and receiver.url not in said.output, said.output
        assert run("channels", "test", "hook").output == "The test was sent: Test of channel hook\n"
        assert "answered 500" in str(run("channels", "test", "hook").exception)
    assert (
        run(
            "channels", "edit", "hook", "--disable", "--set", "group_by=[]", "--set", "time_zone=Europe/Berlin"
        ).exit_code
        == 0
    )
    (channel,) = [json.loads(line) for line in run("channels", "list", "--json").output.splitlines()]
    assert (channel["enabled"], channel["group_by"], channel["time_zone"]) == (False, [], "Europe/Berlin")
    assert channel["matcher"] == {"severity": ["critical"]}
    table = run("channels", "list").output
    assert "disabled" in table and "http://***" in table and "s3cr3t" not in table

    kept = run("deliveries", "list", "--channel", "hook").output
    assert "sent" in kept and "The webhook answered 500." in kept
    (sent,) = [json.loads(line) for line in run("deliveries", "list", "--state", "sent", "--json").output.splitlines()]
    assert json.loads(run("deliveries", "show", sent["delivery_id"]).output)["message"]["kind"] == "test"

    assert run("channels", "remove", "hook").exit_code == 0
    assert "no channel named" in str(run("channels", "test", "hook").exception)


def test_a_silence_is_added_listed_and_ended(run: Callable[..., Result]) -> None:
    words = ("--for", "2h", "--reason", "upgrade", "--rule", "ssh*", "--group", "payload.ip=10.0.*", "--owner", "ada")
    assert "would have hidden 0 alerts, 0 messages" in run("silences", "add", *words, "--dry-run").output
    assert run("silences", "list").output == "No silences.\n"
    assert "Silent until" in run("silences", "add", *words).output
    (made,) = [json.loads(line) for line in run("silences", "list", "--json").output.splitlines()]
    assert made["matcher"] == {"rule": ["ssh*"], "group": {"payload.ip": ["10.0.*"]}} and made["owner"] == "ada"
    assert run("silences", "end", made["silence_id"]).output == "The silence is over.\n"
    assert "expired" in run("silences", "list").output
    for bad in (("--for", "2h"), ("--for", "soon", "--everything"), ("--for", "2h", "--group", "x")):
        result = run("silences", "add", "--reason", "upgrade", *bad)
        assert result.exit_code != 0 and str(result.exception), bad
