"""Whatever is sent, the API answers 4xx with `error`, takes nothing, and goes on working."""

import itertools
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from eventpulse.settings import Settings
from eventpulse.stream.keys import EVENTS_STREAM
from tests.at_the_door import EVENT
from tests.serving_over_http import over_http

AN_ID = "0b1a6f3e-7c1d-4b39-8b6a-2f6a1c9b7d10"
HEAD = json.dumps(EVENT)[:-1]


def nothing_taken(redis_url: str) -> bool:
    with redis.Redis.from_url(redis_url) as client:
        return client.xlen(EVENTS_STREAM) == 0


HOSTILE_EVENTS = {
    "deep objects": f'{HEAD},"payload":' + '{"a":' * 65 + "1" + "}" * 66,
    "deep arrays": f'{HEAD},"payload":{{"a":{"[" * 65}{"]" * 65}}}}}',
    "a hundred thousand brackets": f'{HEAD},"payload":{{"a":{"[" * 100_000}',
    "deep under an unknown key": f'{HEAD},"other":{"[" * 50_000}{"]" * 50_000}}}',
    "a number no double holds": f'{HEAD},"payload":{{"a":1e400}}}}',
    "a number of many digits": f'{HEAD},"payload":{{"a":{"9" * 5_000}}}}}',
    "a huge exponent": f'{HEAD},"payload":{{"a":1e-999999999999}}}}',
    "NaN": f'{HEAD},"payload":{{"a":NaN}}}}',
    "Infinity": f'{HEAD},"payload":{{"a":-Infinity}}}}',
    "NUL in a value": f'{HEAD},"payload":{{"a":"\\u0000"}}}}',
    "NUL in a key": f'{HEAD},"metadata":{{"\\u0000":1}}}}',
    "NUL in a name": json.dumps({**EVENT, "source": "a\0b"}),
    "a lone surrogate": f'{HEAD},"payload":{{"a":"\\ud800"}}}}',
    "surrogates the wrong way round": f'{HEAD},"payload":{{"a":"\\udc00\\ud800"}}}}',
    "a payload that is no object": json.dumps({**EVENT, "payload": [1]}),
    "a second payload that is no object": f'{HEAD},"payload":{{}},"payload":3}}',
    "a name too long": json.dumps({**EVENT, "event_type": "x" * 256}),
    "an id in braces": json.dumps({**EVENT, "event_id": "{" + AN_ID + "}"}),
    "an id without hyphens": json.dumps({**EVENT, "event_id": AN_ID.replace("-", "")}),
    "an id with a line behind": json.dumps({**EVENT, "event_id": AN_ID + "\n"}),
    "an id in other digits": json.dumps({**EVENT, "event_id": "٠" * 8 + AN_ID[8:]}),
    "a time without an offset": json.dumps({**EVENT, "timestamp": "2026-01-31T10:00:00"}),
    "a time before year 1 in UTC": json.dumps({**EVENT, "timestamp": "0001-01-01T00:00:00+14:00"}),
    "a time after year 9999 in UTC": json.dumps({**EVENT, "timestamp": "9999-12-31T23:59:59-14:00"}),
    "a time as a number": json.dumps({**EVENT, "timestamp": 1_769_853_600}),
    "a byte order mark": "\ufeff" + json.dumps(EVENT),
    "two values": json.dumps(EVENT) * 2,
}


def test_an_event_that_could_not_be_kept_is_400(api: TestClient, redis_url: str, subtests: pytest.Subtests) -> None:
    for name, body in HOSTILE_EVENTS.items():
        with subtests.test(name):
            one = api.post("events", content=body.encode())
            many = api.post("events/batch", content=f"[{json.dumps(EVENT)},{body}]".encode())

            for answer in (one, many):
                assert answer.status_code == 400
                assert answer.json()["error"] == "Validation failed"
                assert answer.json()["issues"]
    assert nothing_taken(redis_url)


def test_a_body_in_another_encoding_is_400(api: TestClient, redis_url: str, subtests: pytest.Subtests) -> None:
    for encoding, source in (("utf-16", "ア"), ("utf-32", "ア"), ("shift-jis", "ア"), ("latin-1", "é")):
        with subtests.test(encoding):
            body = json.dumps({**EVENT, "source": source}, ensure_ascii=False).encode(encoding)

            assert api.post("events", content=body).status_code == 400
    assert nothing_taken(redis_url)


def test_of_keys_that_stand_twice_the_last_counts_and_the_payload_stays_as_sent(
    api: TestClient, redis_url: str
) -> None:
    answer = api.post("events", content=f'{HEAD},"source":"last","payload":{{"a":1,"a":2}}}}')

    assert answer.status_code == 202
    with redis.Redis.from_url(redis_url) as client:
        found: Any = client.xrange(EVENTS_STREAM)
    [stored] = [json.loads(line) for line in found[0][1][b"events"].splitlines()]
    assert stored["source"] == "last"
    assert stored["payload"] == '{"a":1,"a":2}'


SQL = ["'; drop table eventpulse.events; --", "' or '1'='1", "\\", "%", "_", "$1", "%s", ":name", "/*", "\u0000"]


SEARCHED = [
    *(("events", "event_type"), ("events", "source"), ("events", "from"), ("events", "cursor"), ("metrics", "source")),
    *(("anomalies", "rule_id"), ("anomalies", "severity"), ("metrics", "group_by"), ("dead-letters", "reason")),
]


def test_words_of_sql_are_only_words(api: TestClient, engine: Engine, subtests: pytest.Subtests) -> None:
    for (path, name), words in itertools.product(SEARCHED, SQL):
        with subtests.test(f"{path}?{name}={words}"):
            answer = api.get(path, params={name: words})

            assert answer.status_code in (200, 400)
            if answer.status_code == 200:
                assert answer.json().get("data", answer.json().get("metrics")) == []
            else:
                assert answer.json().keys() == {"error"}
    with engine.connect() as connection:
        assert connection.execute(text("select to_regclass('eventpulse.events')")).scalar_one() is not None


HUGE = ["9" * 400, "-" + "9" * 400, str(2**63), str(-(2**63) - 1), "1e9", "0x10", "１２", "", " 1", "1.5", "nan"]


def test_numbers_of_any_size_are_clamped_or_refused(api: TestClient, subtests: pytest.Subtests) -> None:
    lists = ("events", "anomalies", "batches", "dead-letters")
    for path, name, number in itertools.product(lists, ("limit", "offset"), HUGE):
        with subtests.test(f"{path}?{name}={number[:30]}"):
            answer = api.get(path, params={name: number})

            assert answer.status_code in (200, 400)
            if answer.status_code == 200:
                assert 1 <= answer.json()["pagination"]["limit"] <= 500
            else:
                assert answer.json()["error"].startswith(name)


CURSORS = ["x", "=", "%00", "e30", "W10", "bnVsbA", "eyJhIjoxfQ", "A" * 10_000, "W1tbW1tbW1tbW1tb", "é"]


def test_a_cursor_that_is_none_of_ours_is_400(api: TestClient, subtests: pytest.Subtests) -> None:
    for path, cursor in itertools.product(("events", "anomalies", "dead-letters"), CURSORS):
        with subtests.test(f"{path}?cursor={cursor[:30]}"):
            answer = api.get(path, params={"cursor": cursor})

            assert (answer.status_code, answer.json().keys()) == (400, {"error"})


ODD_IDS = [
    *("1", "x" * 5_000, "%00", "..%2f..%2f..%2fetc%2fpasswd", "..%5c..%5cwindows", "%2e%2e", "%ff", "{" + AN_ID + "}"),
    *(f"urn:uuid:{AN_ID}", AN_ID.replace("-", ""), AN_ID + "%0a", "%F0%9F%92%A9", "null", "-1", str(2**64)),
]


def test_an_odd_id_is_4xx(api: TestClient, subtests: pytest.Subtests) -> None:
    for path, odd in itertools.product(("events", "anomalies", "rules", "dead-letters"), ODD_IDS):
        with subtests.test(f"{path}/{odd[:40]}"):
            answer = api.get(f"{path}/{odd}")

            assert answer.status_code in (400, 404)
            assert answer.json().keys() == {"error"}


TRAVERSALS = [
    *("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/api/v1/../../etc/passwd", "/api/v1/dashboard/../../app.py"),
    *("/api/v1/dashboard/..%2f..%2fapp.py", "/api/v1/dashboard/%2e%2e/%2e%2e/app.py", "//etc/passwd", "/\\etc\\passwd"),
    *(
        "/api/v1/dashboard/....//....//app.py",
        "/%00",
        "/api/v1/dashboard/%00",
        "/.env",
        "/.git/config",
        "/dagster.yaml",
    ),
]


@pytest.fixture(scope="module")
def nowhere() -> Settings:
    """An API whose servers are away; nothing here needs them."""
    return Settings.model_validate(
        {
            "database_url": "postgresql://nobody@127.0.0.1:1/none",
            "redis_url": "redis://127.0.0.1:1",
            "request_seconds": 1,
            "max_body_bytes": 100_000,
        }
    )


@pytest.fixture(scope="module")
def address(nowhere: Settings) -> Iterator[tuple[str, int]]:
    with over_http(nowhere) as url:
        yield "127.0.0.1", int(url.rpartition(":")[2])


def talk(address: tuple[str, int], *parts: bytes) -> bytes:
    """Everything the server says to these bytes until it hangs up."""
    said = b""
    with socket.create_connection(address, timeout=20) as connection:
        try:
            for part in parts:
                connection.sendall(part)
            while more := connection.recv(65_536):
                said += more
        except ConnectionError:
            pass
    return said


def status(said: bytes) -> int:
    return int(said.split(b" ", 2)[1])


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_to_a_file(address: tuple[str, int], path: str) -> None:
    said = talk(address, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())

    assert status(said) in (400, 404)
    assert b"root:" not in said
    assert b"import" not in said


REQUEST = b"POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"


def test_a_chunked_body_over_the_limit_is_cut_off(address: tuple[str, int]) -> None:
    chunk = b"2710\r\n" + b" " * 10_000 + b"\r\n"

    said = talk(address, REQUEST + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 11)

    assert status(said) == 413
    assert b'{"error":"The body is larger than 100000 bytes"}' in said


def test_a_declared_body_over_the_limit_is_refused_before_it_comes(address: tuple[str, int]) -> None:
    said = talk(address, REQUEST + b"Content-Length: 999999999999\r\n\r\n")

    assert status(said) == 413


@pytest.mark.parametrize(
    "begun",
    [
        b"POST /api/v1/events HTTP/1.1\r\nHost: local",
        REQUEST + b"Content-Length: 100\r\n\r\n{",
        REQUEST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n",
    ],
    ids=["head", "body", "chunk"],
)
def test_a_request_that_never_ends_is_ended(address: tuple[str, int], begun: bytes) -> None:
    said = talk(address, begun)

    assert status(said) == 408
    assert b'{"error":"The request did not arrive within 1 seconds"}' in said


def test_a_connection_that_says_nothing_is_closed(address: tuple[str, int]) -> None:
    assert talk(address) == b""


def test_a_head_without_end_is_refused(address: tuple[str, int]) -> None:
    said = talk(address, b"GET /livez HTTP/1.1\r\n", *[b"x-more: " + b"x" * 1_000 + b"\r\n"] * 500)

    assert said == b"" or status(said) == 431  # the answer is lost where we still send when it hangs up


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /livez HTTP/9.9\r\n\r\n",
        b"GET /livez\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        REQUEST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        REQUEST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        REQUEST + b"Content-Length: -5\r\n\r\n",
        REQUEST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /livez HTTP/1.1\r\nHost: localhost\r\nbad header\r\n\r\n",
    ],
)
def test_what_is_no_http_is_400_json(address: tuple[str, int], request_: bytes) -> None:
    said = talk(address, request_)

    assert status(said) == 400
    assert json.loads(said.rpartition(b"\r\n\r\n")[2]).keys() >= {"error"}


def test_the_api_goes_on_working(address: tuple[str, int]) -> None:
    assert status(talk(address, b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")) == 200
