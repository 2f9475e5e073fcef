"""A file reaches the server whole, once, whatever happens on the way. The server is a small stand-in."""

import asyncio
import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from eventpulse.sending.lines import LineFile
from eventpulse.sending.pace import Pace
from eventpulse.sending.post import ApiRefuses, ApiUnreachable, Poster
from eventpulse.sending.prepare import Preparation, Refusal
from eventpulse.sending.progress_file import ProgressFile, Sending
from eventpulse.sending.send_file import Stopped, send_file

URL = "http://stand-in"


class StandIn:
    """Keeps events by id. Refuses those that say so; `before_each` may misbehave."""

    def __init__(self, before_each: Callable[[int], httpx2.Response | None] = lambda request: None) -> None:
        self.kept: dict[str, dict[str, object]] = {}
        self.requests = 0
        self.before_each = before_each
        self.names_the_culprit = True

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests += 1
        if answer := self.before_each(self.requests):
            return answer
        events = json.loads(request.content)
        wrong = [index for index, event in enumerate(events) if event.get("wrong")]
        if wrong:
            path: list[list[object]] = [[i, "wrong"] if self.names_the_culprit else [] for i in wrong]
            issues = [{"path": each, "message": "is wrong", "code": "x"} for each in path]
            return httpx2.Response(400, json={"error": "Validation failed", "issues": issues})
        self.kept.update({event["event_id"]: event for event in events})
        return httpx2.Response(202, json={"status": "accepted"})


class Sent:
    """One sending of a file: what was settled and what was said."""

    def __init__(self, path: Path, home: Path, server: StandIn, *, skip: bool = True, patience: float = 0.0) -> None:
        self.refusals: list[Refusal] = []
        self.pauses: list[str] = []
        self.note = ProgressFile(home, path=str(path), fingerprint="f", target=URL)
        self._path, self._server, self._skip, self._patience = path, server, skip, patience

    def run(self) -> Sending:
        return asyncio.run(self._run())

    async def _run(self) -> Sending:
        transport = httpx2.MockTransport(self._server)
        with closing(LineFile(str(self._path))) as file:
            async with httpx2.AsyncClient(transport=transport) as client:
                poster = Poster(
                    client, URL, skip_refused=self._skip, patience_seconds=self._patience, on_pause=self.pauses.append
                )
                return await send_file(
                    file,
                    self.note.read() or Sending(str(self._path), URL),
                    Preparation("f"),
                    poster,
                    pace=Pace(None),
                    most_events=10,
                    skip_refused=self._skip,
                    note=self.note.write,
                    on_refusal=self.refusals.append,
                )


@pytest.fixture
def file_of_100(tmp_path: Path) -> Path:
    path = tmp_path / "events.ndjson"
    path.write_text("".join(json.dumps({"n": n}) + "\n" for n in range(1, 101)))
    return path


def spoil(path: Path, *line_numbers: int, text: str = '{"wrong": true}') -> None:
    lines = path.read_text().splitlines()
    for number in line_numbers:
        lines[number - 1] = text
    path.write_text("\n".join(lines))


def test_every_event_is_accepted_once(file_of_100: Path, tmp_path: Path) -> None:
    server = StandIn()
    sending = Sent(file_of_100, tmp_path, server).run()
    assert sorted(event["n"] for event in server.kept.values()) == list(range(1, 101))
    assert (sending.settled.accepted, sending.settled.refused, len(sending.settled.spans)) == (100, 0, 1)


def test_an_interrupted_sending_goes_on_and_repeats_nothing_that_was_noted(file_of_100: Path, tmp_path: Path) -> None:
    def fails_from_the_sixth(request: int) -> httpx2.Response | None:
        return httpx2.Response(401, json={"error": "no"}) if request >= 6 else None

    interrupted = StandIn(fails_from_the_sixth)
    with pytest.raises(ApiRefuses, match="--key"):
        Sent(file_of_100, tmp_path, interrupted).run()
    noted = Sent(file_of_100, tmp_path, interrupted).note.read()
    resumed = StandIn()
    sending = Sent(file_of_100, tmp_path, resumed).run()

    assert noted and 0 < noted.settled.accepted <= len(interrupted.kept)
    assert len(resumed.kept) == 100 - noted.settled.accepted
    assert len(interrupted.kept | resumed.kept) == 100
    assert sending.settled.accepted == 100


def test_an_answer_that_got_lost_makes_duplicates_and_no_second_events(file_of_100: Path, tmp_path: Path) -> None:
    server = StandIn()
    Sent(file_of_100, tmp_path, server).run()
    kept = dict(server.kept)
    Sent(file_of_100, tmp_path, server).note.forget()
    Sent(file_of_100, tmp_path, server).run()
    assert server.kept == kept


@pytest.mark.parametrize("names_the_culprit", [True, False])
def test_refused_lines_are_named_and_the_rest_of_their_request_is_sent(
    file_of_100: Path, tmp_path: Path, names_the_culprit: bool
) -> None:
    spoil(file_of_100, 3, 47, 48)
    spoil(file_of_100, 99, text="not json")
    server = StandIn()
    server.names_the_culprit = names_the_culprit
    sent = Sent(file_of_100, tmp_path, server)
    sending = sent.run()
    assert sorted(refusal.line_number for refusal in sent.refusals) == [3, 47, 48, 99]
    assert (sending.settled.accepted, sending.settled.refused, len(server.kept)) == (96, 4, 96)


@pytest.mark.parametrize("text", ['{"wrong": true}', "not json"])
def test_a_sending_stops_at_a_refused_line_and_goes_on_once_it_is_corrected(
    file_of_100: Path, tmp_path: Path, text: str
) -> None:
    spoil(file_of_100, 55, text=text)
    server = StandIn()
    sent = Sent(file_of_100, tmp_path, server, skip=False)
    with pytest.raises(Stopped, match="refused line"):
        sent.run()
    assert [refusal.line_number for refusal in sent.refusals] == [55]
    spoil(file_of_100, 55, text='{"n": 55}')
    sending = Sent(file_of_100, tmp_path, server, skip=False).run()
    assert sorted(event["n"] for event in server.kept.values()) == list(range(1, 101))
    assert (sending.settled.accepted, sending.settled.refused) == (100, 0)


def test_a_pause_is_obeyed_and_shown(file_of_100: Path, tmp_path: Path) -> None:
    def asks_twice(request: int) -> httpx2.Response | None:
        full = httpx2.Response(503, json={"error": "backlog is full"}, headers={"retry-after": "0.05"})
        return full if request in (2, 3) else None

    server = StandIn(asks_twice)
    sent = Sent(file_of_100, tmp_path, server)
    assert sent.run().settled.accepted == 100
    assert sent.pauses and "backlog is full" in sent.pauses[0]


def test_a_server_that_never_answered_is_reported_at_once(file_of_100: Path, tmp_path: Path) -> None:
    def nobody_there(request: int) -> httpx2.Response | None:
        raise httpx2.ConnectError("refused")

    with pytest.raises(ApiUnreachable, match="http://stand-in takes no events: nothing answers there"):
        Sent(file_of_100, tmp_path, StandIn(nobody_there), patience=60.0).run()


def test_a_server_that_answered_before_is_waited_for(file_of_100: Path, tmp_path: Path) -> None:
    def stumbles(request: int) -> httpx2.Response | None:
        if request == 7:
            raise httpx2.ReadError("reset")
        return None

    sent = Sent(file_of_100, tmp_path, StandIn(stumbles), patience=60.0)
    assert sent.run().settled.accepted == 100
    assert "the connection broke" in sent.pauses[0]


def test_an_unreadable_note_means_starting_over(tmp_path: Path) -> None:
    note = ProgressFile(tmp_path, path="x", fingerprint="f", target=URL)
    note.write(Sending("x", URL))
    [place] = (tmp_path / "sending").glob("*.json")
    place.write_text("{")
    assert note.read() is None
