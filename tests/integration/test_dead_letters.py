"""What cannot be stored is set aside with its bytes, costs its neighbours nothing, and can be mended and sent on."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from eventpulse.event import StreamedEvent
from eventpulse.settings import Settings
from eventpulse.stream.connect import open_redis
from ingest_api.app import create_app
from ingest_api.dead_letters import redriving
from tests.draining import PowerCut, a_drain, a_line, publish_lines, save_rule

NOW = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)


def event(number: int, **changes: Any) -> dict[str, Any]:
    return {"event_id": f"00000000-0000-4000-8000-{number:012}", "timestamp": NOW.isoformat(), **changes}


@pytest.fixture
def drain(database_url: str, redis_url: str) -> Any:
    with a_drain(database_url, redis_url) as stepped:
        yield stepped


@pytest.fixture
def set_aside(redis_url: str, drain: Any) -> Any:
    """Puts lines into the stream and drains them."""

    def put(*lines: bytes) -> None:
        publish_lines(redis_url, [lines])
        drain.run_until_empty()

    return put


def letters(api: TestClient, **query: Any) -> list[dict[str, Any]]:
    answer = api.get("dead-letters", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]  # type: ignore[no-any-return]


def equation(api: TestClient) -> tuple[int, ...]:
    balance = api.get("ledger").json()["balance"]
    assert balance["balances"], balance["sentence"]
    return tuple(balance[name] for name in ("accepted", "stored", "duplicates", "dead_lettered", "pending"))


def stored(drain: Any) -> list[tuple[str, str]]:
    rows = drain.connection.execute("select event_id::text, source from eventpulse.events order by 1").fetchall()
    return [tuple(row) for row in rows]


POISON = {
    "not JSON": b"not json",
    "not text": b"\xff\xfe\x00",
    "an empty line": b"",
    "null": b"null",
    "a wrong type": a_line(event(90)).replace(b'"timestamp":', b'"timestamp":"x","t":'),
    "no event id": a_line(event(91)).replace(b"00000000-0000-4000-8000-", b"zz"),
    "a payload that is no JSON": msgspec.json.encode(
        StreamedEvent("00000000-0000-4000-8000-000000000092", "a", "b", 0, 0, "{", "{}")
    ),
    "a time no calendar holds": msgspec.json.encode(
        StreamedEvent("00000000-0000-4000-8000-000000000093", "a", "b", 1 << 62, 0, "{}", "{}")
    ),
    "a time of receipt no calendar holds": msgspec.json.encode(
        StreamedEvent("00000000-0000-4000-8000-000000000094", "a", "b", 0, 1 << 62, "{}", "{}")
    ),
    "a text PostgreSQL cannot hold": a_line(event(95, source="a\0b")),
    "a source too long for an index": a_line(event(96, source="".join(chr(0x4E00 + n % 9000) for n in range(9000)))),
    "nesting beyond PostgreSQL's stack": msgspec.json.encode(
        StreamedEvent(
            "00000000-0000-4000-8000-000000000097",
            *("a", "b", 0, 0),
            '{"a":' + "[" * 50_000 + "]" * 50_000 + "}",
            "{}",
        )
    ),
}


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON.keys())
def test_poison_is_set_aside_to_the_byte_and_its_neighbours_are_stored(
    api: TestClient, set_aside: Any, drain: Any, poison: bytes
) -> None:
    set_aside(a_line(event(1)), poison, a_line(event(2)))

    [letter] = letters(api)
    assert letter["state"] == "open"
    assert letter["reason"]
    row = drain.connection.execute("select raw, batch_id, line from eventpulse.dead_letters").fetchone()
    assert (bytes(row[0]), row[1], row[2]) == (poison, letter["batch_id"], 1)
    assert [event_id for event_id, _ in stored(drain)] == [event(1)["event_id"], event(2)["event_id"]]
    assert equation(api) == (3, 2, 0, 1, 0)


def test_an_entry_of_another_shape_is_set_aside_as_one(api: TestClient, redis_url: str, drain: Any) -> None:
    with open_redis(redis_url) as client:
        client.xadd("events_stream", {"what": b"\xff", "count": "many"})
    drain.run_until_empty()

    [letter] = letters(api)
    assert "no field `events`" in letter["reason"]
    assert not api.get("ledger").json()["balance"]["balances"]  # nobody accepted it


def test_an_event_from_the_future_is_set_aside_and_moves_no_watermark(
    api: TestClient, set_aside: Any, drain: Any, database_url: str
) -> None:
    rule = {"name": "silence", "severity": "info", "window_seconds": 60}
    condition = {"type": "threshold", "metric": "count", "operator": "<", "value": 2}
    save_rule(database_url, {**rule, "condition": condition})
    at = datetime.now(UTC).replace(microsecond=0)
    near, far = at + timedelta(seconds=300), at + timedelta(seconds=300, microseconds=1)
    set_aside(*(a_line(event(n, timestamp=when.isoformat()), received_at=at) for n, when in ((1, near), (2, far))))

    [letter] = letters(api, cause="future")
    assert letter["reason"].startswith(f"its time, {far.isoformat().replace('+00:00', 'Z')}, is more than 300 s after")
    assert [event_id for event_id, _ in stored(drain)] == [event(1)["event_id"]]
    newest = drain.connection.execute("select max(newest_event_at) from eventpulse.rule_progress").fetchone()[0]
    assert newest == near
    assert equation(api) == (2, 1, 0, 1, 0)


def test_what_came_in_is_shown_as_text_or_as_base64(api: TestClient, set_aside: Any) -> None:
    long = "é" * 2_000
    set_aside(b"na\xc3\xafve", b"\xff\x00", ("x" + long).encode())

    text, binary, cut = reversed(letters(api))
    assert (text["raw"], text["raw_encoding"]) == ("naïve", "text")
    assert (base64.b64decode(binary["raw"]), binary["raw_encoding"]) == (b"\xff\x00", "base64")
    assert cut["raw_encoding"] == "text"
    assert ("x" + long).startswith(cut["raw"]) and len(cut["raw"]) < 2_000
    assert cut["raw_bytes"] == 4_001
    assert api.get(f"dead-letters/{cut['dead_letter_id']}").json()["raw"] == "x" + long


def test_letters_are_filtered_and_paged(api: TestClient, set_aside: Any) -> None:
    set_aside(b"one", a_line(event(5, source="a\0b")))
    set_aside(b"two")
    ids = [letter["dead_letter_id"] for letter in letters(api)]
    assert ids == sorted(ids, reverse=True) and len(ids) == 3

    first = api.get("dead-letters", params={"limit": 2}).json()
    rest = api.get("dead-letters", params={"cursor": first["pagination"]["next"]}).json()
    assert [letter["dead_letter_id"] for letter in first["data"] + rest["data"]] == ids
    assert len(letters(api, cause="refused")) == 1
    assert len(letters(api, reason="POSTGRESQL REFUSED")) == 1
    assert len(letters(api, batch_id=letters(api)[0]["batch_id"])) == 1
    assert len(letters(api, state="redriven")) == 0
    assert len(letters(api, to="2020-01-01T00:00:00Z")) == 0


def test_a_letter_is_mended_and_redriven_and_redriving_twice_is_harmless(
    api: TestClient, set_aside: Any, drain: Any
) -> None:
    set_aside(a_line(event(5, source="a\0b")))
    number = letters(api)[0]["dead_letter_id"]
    whole = api.get(f"dead-letters/{number}").json()
    assert whole["issues"][0]["code"] == "nul_character"
    refused = api.post(f"dead-letters/{number}/redrive")
    assert (refused.status_code, refused.json()["error"]) == (400, "Validation failed")

    bad = api.patch(f"dead-letters/{number}", json={**whole["event"], "source": ""})
    assert (bad.status_code, bad.json()["issues"][0]["path"]) == (400, ["source"])
    mended = api.patch(f"dead-letters/{number}", json={**whole["event"], "source": "mended"})
    assert (mended.status_code, mended.json()["issues"]) == (200, [])
    assert mended.json()["raw"] == whole["raw"]

    tried = api.post(f"dead-letters/{number}/redrive", params={"dry_run": True})
    assert (tried.status_code, tried.json()["status"]) == (200, "would be accepted")
    assert equation(api) == (1, 0, 0, 1, 0)
    for _ in range(2):
        done = api.post(f"dead-letters/{number}/redrive")
        assert (done.status_code, done.json()["event_id"]) == (202, event(5)["event_id"])
    assert letters(api)[0]["state"] == "redriven"
    assert equation(api) == (3, 0, 0, 1, 2)
    drain.run_until_empty()

    assert stored(drain) == [(event(5)["event_id"], "mended")]
    assert equation(api) == (3, 1, 1, 1, 0)


def test_a_letter_without_an_id_always_gets_the_same_one(api: TestClient, set_aside: Any, drain: Any) -> None:
    set_aside(b"not json")
    number = letters(api)[0]["dead_letter_id"]
    sent = {"event_type": "tick", "source": "mended", "timestamp": NOW.isoformat(), "payload": {"n": 1.10}}
    edited = api.patch(f"dead-letters/{number}", content=json.dumps(sent)).json()
    ids = {api.post(f"dead-letters/{number}/redrive").json()["event_id"] for _ in range(3)}
    drain.run_until_empty()

    assert ids == {edited["event_id"]} == {event_id for event_id, _ in stored(drain)}
    assert equation(api) == (4, 1, 2, 1, 0)


def test_a_mended_event_keeps_the_id_that_came_in_unless_it_names_another(api: TestClient, set_aside: Any) -> None:
    set_aside(a_line(event(5, source="a\0b")))
    number = letters(api)[0]["dead_letter_id"]
    sent = {"event_type": "tick", "source": "mended", "timestamp": NOW.isoformat()}
    assert api.patch(f"dead-letters/{number}", json=sent).json()["event_id"] == event(5)["event_id"]
    assert api.patch(f"dead-letters/{number}", json={**sent, **event(6)}).json()["event_id"] == event(6)["event_id"]


def test_an_event_whose_time_has_come_is_redriven_as_it_is(api: TestClient, set_aside: Any, drain: Any) -> None:
    received = NOW - timedelta(hours=1)
    payload = {"big": 12345678901234567890123, "x": 1.10}
    set_aside(a_line(event(7, payload=payload), received_at=received))
    [letter] = letters(api, cause="future")

    assert api.post(f"dead-letters/{letter['dead_letter_id']}/redrive").status_code == 202
    drain.run_until_empty()

    row = drain.connection.execute(
        'select event_id::text, "timestamp", payload::text from eventpulse.events'
    ).fetchone()
    assert row == (event(7)["event_id"], NOW, msgspec.json.encode(payload).decode())


def test_many_letters_are_redriven_by_filter_with_a_rehearsal(api: TestClient, set_aside: Any, drain: Any) -> None:
    received = NOW - timedelta(hours=1)
    set_aside(*(a_line(event(n), received_at=received) for n in range(450)), b"not json")

    rehearsal = api.post("dead-letters/redrive", params={"dry_run": True}).json()
    assert (rehearsal["redriven"], rehearsal["unfit_count"], rehearsal["remaining"]) == (450, 1, 0)
    assert equation(api) == (451, 0, 0, 451, 0)
    part = api.post("dead-letters/redrive", params={"cause": "future", "limit": 250}).json()
    assert (part["redriven"], part["remaining"]) == (250, 200)
    rest = api.post("dead-letters/redrive").json()
    assert (rest["redriven"], rest["unfit_count"]) == (200, 1)
    again = api.post("dead-letters/redrive").json()
    assert (again["redriven"], again["unfit_count"]) == (0, 1)
    drain.run_until_empty()

    assert len(stored(drain)) == 450
    assert equation(api) == (901, 450, 0, 451, 0)
    assert len(letters(api, state="open")) == 1


@pytest.mark.parametrize("point", ["before the stream", "behind the stream"])
def test_a_redriving_that_was_cut_off_is_seen_and_done_again(
    settings: Settings, set_aside: Any, drain: Any, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    set_aside(a_line(event(5), received_at=NOW - timedelta(hours=1)))

    def cut(*anything: object, **more: object) -> None:
        raise PowerCut

    with TestClient(create_app(settings), base_url="http://127.0.0.1/api/v1/") as api:
        if point == "before the stream":
            monkeypatch.setattr("eventpulse.stream.publisher.Publisher.publish", cut)
        else:
            monkeypatch.setattr(redriving, "note_redriven", cut)
        with pytest.raises(PowerCut):
            api.post("dead-letters/redrive")
        monkeypatch.undo()
        assert [letter["state"] for letter in letters(api)] == ["redriving"]

        assert api.post("dead-letters/redrive").json()["redriven"] == 1
        drain.run_until_empty()

        assert letters(api)[0]["state"] == "redriven"
        assert len(stored(drain)) == 1
        assert equation(api)[1] == 1


def test_what_is_redriven_while_redis_is_away_stays_to_be_done(set_aside: Any, settings: Settings) -> None:
    set_aside(a_line(event(5), received_at=NOW - timedelta(hours=1)))
    away = settings.model_copy(update={"redis_url": SecretStr("redis://127.0.0.1:1/0")})
    with TestClient(create_app(away), base_url="http://127.0.0.1/api/v1/") as api:
        answer = api.post("dead-letters/redrive")
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert [letter["state"] for letter in letters(api)] == ["redriving"]
        assert api.post("dead-letters/redrive", params={"dry_run": True}).json()["redriven"] == 1


def test_a_letter_that_is_closed_is_not_changed_any_more(api: TestClient, set_aside: Any) -> None:
    set_aside(a_line(event(5), received_at=NOW - timedelta(hours=1)), b"not json")
    [junk] = [letter["dead_letter_id"] for letter in letters(api, cause="unreadable")]
    [early] = [letter["dead_letter_id"] for letter in letters(api, cause="future")]

    assert api.post(f"dead-letters/{junk}/discard").json()["state"] == "discarded"
    assert api.post(f"dead-letters/{junk}/discard").status_code == 200
    sent = {"event_type": "tick", "source": "s", "timestamp": NOW.isoformat()}
    assert api.patch(f"dead-letters/{junk}", json=sent).status_code == 409
    api.post(f"dead-letters/{early}/redrive")
    closed = api.post(f"dead-letters/{early}/discard")
    assert (closed.status_code, closed.json()["error"]) == (
        409,
        f"Dead letter {early} is redriven; nothing can be changed about it",
    )
    assert api.post("dead-letters/redrive").json()["redriven"] == 0


@pytest.mark.parametrize("wanted", ["0", "x", "9" * 30, "-1", "1.5"])
def test_a_letter_that_is_not_there_is_not_found(api: TestClient, wanted: str) -> None:
    for answer in (
        api.get(f"dead-letters/{wanted}"),
        api.patch(f"dead-letters/{wanted}", json={"event_type": "a", "source": "b", "timestamp": NOW.isoformat()}),
        api.post(f"dead-letters/{wanted}/redrive"),
        api.post(f"dead-letters/{wanted}/discard"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"error": "Dead letter not found"})


@pytest.mark.parametrize(
    "query", ["state=closed", "cause=x", "batch_id=x", "batch_id=-1", "from=x", "cursor=x", "limit=x", "reason=%00"]
)
def test_what_cannot_be_asked_is_refused(api: TestClient, query: str) -> None:
    assert api.get(f"dead-letters?{query}").status_code == 400
