"""Each answer of the API has one meaning for the sender."""

import json
from datetime import UTC, datetime

import pytest

from eventpulse.sending.answers import AllRefused, Answer, Denied, Later, SomeRefused, Taken, Trouble, read_answer

NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)


def answer(status: int, body: object = None, **headers: str) -> Answer:
    return read_answer(status, headers, json.dumps(body).encode(), events=3, now=NOW)


def issue(*path: object, message: str = "bad") -> dict[str, object]:
    return {"path": list(path), "message": message, "code": "x"}


def test_accepted_means_every_event() -> None:
    assert answer(202, {"status": "accepted"}) == Taken()


def test_issues_are_gathered_by_the_index_of_their_event() -> None:
    body = {"error": "Validation failed", "issues": [issue(2, "source"), issue(0, "payload", "a"), issue(2)]}
    assert answer(400, body) == SomeRefused({2: ("source: bad", "bad"), 0: ("payload.a: bad",)})


@pytest.mark.parametrize(
    "issues", [[], [issue()], [issue("event_type")], [issue(3)], [issue(-1)], "nonsense", [{"message": "bad"}]]
)
def test_a_refusal_that_names_no_event_of_the_request_speaks_of_all(issues: object) -> None:
    assert isinstance(answer(400, {"error": "Validation failed", "issues": issues}), AllRefused)


def test_a_body_that_is_too_large_can_be_tried_in_parts() -> None:
    assert answer(413, {"error": "Body is too large"}) == AllRefused("Body is too large")


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("2", 2.0), ("0", 0.05), ("99999", 60.0), ("Sat, 31 Jan 2026 08:00:07 GMT", 7.0), ("soon", 1.0)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_is_as_long_as_the_server_asks(status: int, retry_after: str, seconds: float) -> None:
    assert answer(status, {"error": "full"}, **{"retry-after": retry_after}) == Later(seconds, "full")


@pytest.mark.parametrize("status", [500, 502, 504, 408])
def test_a_failing_server_may_be_asked_again(status: int) -> None:
    assert isinstance(answer(status), Trouble)


@pytest.mark.parametrize(
    ("status", "word"), [(401, "--key"), (403, "--key"), (404, "is it an EventPulse API"), (301, "301")]
)
def test_what_repetition_cannot_help_ends_the_sending(status: int, word: str) -> None:
    denied = answer(status)
    assert isinstance(denied, Denied)
    assert word in denied.reason
