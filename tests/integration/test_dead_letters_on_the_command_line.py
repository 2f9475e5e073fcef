"""`eventpulse dead-letters`: what could not be stored is listed, mended, redriven and discarded from a terminal."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import Result
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from eventpulse.cli import dead_letters as command
from eventpulse.cli.dead_letter_api import DeadLetterApi
from tests.draining import a_drain, a_line, publish_lines

NOW = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
EVENT_ID = "00000000-0000-4000-8000-000000000005"
SENT = {"event_type": "tick", "source": "mended", "timestamp": NOW.isoformat()}


@pytest.fixture
def run(api: TestClient, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs the command against the API of the test, where two letters wait: 1 is no event, 2 is refused."""

    @contextmanager
    def open_api(base_url: str, key: str | None) -> Iterator[DeadLetterApi]:
        yield DeadLetterApi(api, "http://127.0.0.1")  # type: ignore[arg-type]

    monkeypatch.setattr(command, "open_dead_letter_api", open_api)
    poison = a_line({"event_id": EVENT_ID, "timestamp": NOW.isoformat(), "source": "a\0b"})
    publish_lines(redis_url, [[b"not json", poison]])
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()

    def invoke(*words: str, said: str | None = None) -> Result:
        return CliRunner().invoke(command.dead_letters, words, input=said, env={"COLUMNS": "200"})

    return invoke


def letters(run: Callable[..., Result], *words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run("list", "--json", *words).output.splitlines()]


def test_letters_are_listed_and_narrowed_down(run: Callable[..., Result]) -> None:
    assert "unreadable" in run("list").output and "refused" in run("list").output
    assert [letter["cause"] for letter in letters(run, "--cause", "refused")] == ["refused"]
    assert [letter["dead_letter_id"] for letter in letters(run, "--limit", "1")] == [2]
    assert run("list", "--state", "redriven").output == "No dead letters.\n"


def test_a_letter_is_mended_rehearsed_and_redriven(run: Callable[..., Result]) -> None:
    assert run("edit", "2", "-", said=json.dumps(SENT)).exit_code == 0
    assert json.loads(run("show", "2").output)["event"]["event_id"] == EVENT_ID
    assert "would be accepted" in run("redrive", "2", "--dry-run").output
    assert f"accepted as event {EVENT_ID}" in run("redrive", "2").output
    assert [letter["state"] for letter in letters(run)] == ["redriven", "open"]


def test_letters_are_redriven_by_what_they_have_in_common(run: Callable[..., Result]) -> None:
    said = run("redrive", "--all").output
    assert said.startswith("0 dead letters redriven, 2 can't be as they are.")
    run("edit", "2", "-", said=json.dumps(SENT))
    assert run("redrive", "--cause", "refused").output.startswith("1 dead letters redriven")


def test_a_letter_is_discarded(run: Callable[..., Result]) -> None:
    assert run("discard", "1").output == "Dead letter 1 is discarded.\n"
    assert [letter["dead_letter_id"] for letter in letters(run, "--state", "discarded")] == [1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("redrive",), "Say which dead letters"),
        (("redrive", "1", "--all"), "Say which dead letters"),
        (("show", "99"), "Dead letter not found"),
        (("redrive", "1"), "Validation failed; "),
        (("list", "--state", "lost"), "state must be one of"),
    ],
)
def test_what_cannot_be_done_is_said(run: Callable[..., Result], words: tuple[str, ...], sentence: str) -> None:
    result = run(*words)
    assert result.exit_code != 0
    assert sentence in str(result.exception)
