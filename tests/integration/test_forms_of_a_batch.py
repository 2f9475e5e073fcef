"""A batch may come packed, as lines, and with some events that cannot be taken; limits hold for what is in it."""

import gzip
import json
import os
import sys
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import redis
from fastapi.testclient import TestClient

from eventpulse.stream.keys import EVENTS_STREAM

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

EVENT: dict[str, Any] = {"event_type": "page_view", "source": "web", "timestamp": "2026-01-31T10:00:00Z"}
PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd.compress, "identity": bytes}
LINES = {"content-type": "application/x-ndjson"}


def events(count: int) -> list[dict[str, Any]]:
    return [{**EVENT, "source": f"web-{number}"} for number in range(count)]


def lines(*sent: Any) -> bytes:
    return b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in sent)


def stored(redis_url: str) -> list[str]:
    """The source of each event in the stream."""
    with redis.Redis.from_url(redis_url) as client:
        found: Any = client.xrange(EVENTS_STREAM)
    return [json.loads(line)["source"] for _, fields in found for line in fields[b"events"].splitlines()]


@pytest.mark.parametrize("encoding", PACK)
def test_a_packed_batch_is_taken_like_any_other(api: TestClient, redis_url: str, encoding: str) -> None:
    body = PACK[encoding](json.dumps(events(400)).encode())

    answer = api.post("events/batch", content=body, headers={"content-encoding": encoding})

    assert (answer.status_code, answer.json()["count"]) == (202, 400)
    assert stored(redis_url) == [event["source"] for event in events(400)]


def test_other_bodies_may_be_packed_as_well(api: TestClient, redis_url: str) -> None:
    packed = {"content-encoding": "GZIP"}

    assert api.post("events", content=gzip.compress(json.dumps(EVENT).encode()), headers=packed).status_code == 202
    assert api.post("rules", content=gzip.compress(b"[]"), headers=packed).status_code == 400
    assert stored(redis_url) == ["web"]


def test_several_pieces_are_one_body(api: TestClient) -> None:
    whole = json.dumps(events(3)).encode()
    for encoding in ("gzip", "zstd"):
        body = PACK[encoding](whole[:50]) + PACK[encoding](whole[50:])
        assert api.post("events/batch", content=body, headers={"content-encoding": encoding}).json()["count"] == 3


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_is_413_and_never_unpacked_whole(api: TestClient, encoding: str) -> None:
    bomb = PACK[encoding](b" " * 50_000_000)
    assert len(bomb) < 100_000

    answer = api.post("events/batch", content=bomb, headers={"content-encoding": encoding})

    assert (answer.status_code, answer.json()) == (413, {"error": "The body is larger than 200000 bytes"})


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_body_of_exactly_the_limit_is_taken(api: TestClient, encoding: str) -> None:
    whole = json.dumps(events(3)).encode()

    def status(size: int) -> int:
        body = PACK[encoding](whole + b" " * (size - len(whole)))
        return api.post("events/batch", content=body, headers={"content-encoding": encoding}).status_code

    assert [status(200_000), status(200_001)] == [202, 413]


def test_broken_packed_data_is_400(api: TestClient, redis_url: str, subtests: pytest.Subtests) -> None:
    for encoding in ("gzip", "zstd"):
        whole = PACK[encoding](json.dumps(events(100)).encode())
        broken = {
            "cut": whole[:-9],
            "rubbish": os.urandom(500),
            "plain": json.dumps(events(1)).encode(),
            "empty": b"",
            "behind": whole + b"more",
            "changed": whole[:30] + bytes([whole[30] ^ 0xFF, whole[31] ^ 0xFF]) + whole[32:],
            "many": PACK[encoding](b"") * 2_000 + whole,
        }
        for damage, body in broken.items():
            with subtests.test(f"{encoding} {damage}"):
                answer = api.post("events/batch", content=body, headers={"content-encoding": encoding})

                assert answer.status_code == 400
                assert "error" in answer.json()
    assert stored(redis_url) == []


def test_a_zstd_window_that_would_take_much_memory_is_refused(api: TestClient) -> None:
    level = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.content_size_flag: 0}
    packer = zstd.ZstdCompressor(options=level)
    body = packer.compress(b"[" + b" " * 1000) + packer.flush()

    answer = api.post("events/batch", content=body, headers={"content-encoding": "zstd"})

    assert (answer.status_code, answer.json()) == (400, {"error": "The body is no valid zstd data"})


def test_an_encoding_we_do_not_know_is_415_and_says_which_we_do(api: TestClient) -> None:
    for encoding in ("br", "deflate", "gzip, gzip", "compress", "x"):
        answer = api.post("events/batch", content=zlib.compress(b"[]"), headers={"content-encoding": encoding})

        assert answer.status_code == 415
        assert answer.json() == {"error": "Content-Encoding must be one of: gzip, zstd"}
        assert answer.headers["accept-encoding"] == "gzip, zstd"


@pytest.mark.parametrize("kind", ["application/x-ndjson", "application/x-ndjson; charset=utf-8", "APPLICATION/NDJSON"])
def test_lines_are_a_batch(api: TestClient, redis_url: str, kind: str) -> None:
    body = b"\r\n" + lines(*events(3)) + b"  \n" + json.dumps(EVENT).encode()

    answer = api.post("events/batch", content=body, headers={"content-type": kind})

    assert (answer.status_code, answer.json()["count"]) == (202, 4)
    assert stored(redis_url) == ["web-0", "web-1", "web-2", "web"]


def test_a_faulty_line_refuses_all_and_is_named_by_its_index(api: TestClient, redis_url: str) -> None:
    body = lines(EVENT, {**EVENT, "source": ""}, b"{", b"", b'{"a":1} {"b":2}', b"\xff")

    answer = api.post("events/batch", content=body, headers=LINES)

    assert answer.status_code == 400
    assert [issue["path"] for issue in answer.json()["issues"]] == [[1, "source"], [2], [3], [4]]
    assert stored(redis_url) == []


def test_limits_hold_for_lines(api: TestClient) -> None:
    assert api.post("events/batch", content=lines(*[EVENT] * 501), headers=LINES).status_code == 413
    assert api.post("events/batch", content=b"\n\n", headers=LINES).json()["issues"][0]["code"] == "too_small"


def test_what_can_be_taken_of_a_batch_is_and_the_rest_is_listed(api: TestClient, redis_url: str) -> None:
    batch = [EVENT, {**EVENT, "source": 1}, {**EVENT, "source": "web-2"}, "no event", {**EVENT, "payload": []}]

    answer = api.post("events/batch?on_error=skip", json=batch)

    assert answer.status_code == 202
    said = answer.json()
    assert (said["status"], said["count"], len(said["event_ids"])) == ("accepted", 2, 2)
    assert [(each["index"], each["issues"][0]["path"]) for each in said["refused"]] == [
        (1, ["source"]),
        (3, []),
        (4, ["payload"]),
    ]
    assert stored(redis_url) == ["web", "web-2"]


def test_lines_that_are_no_json_are_left_out_alone(api: TestClient, redis_url: str) -> None:
    body = lines(EVENT, b"{", b'{"a":"\xff"}', b"[" * 5_000, {**EVENT, "source": "last"})

    said = api.post("events/batch?on_error=skip", content=body, headers=LINES).json()

    assert [each["index"] for each in said["refused"]] == [1, 2, 3]
    assert stored(redis_url) == ["web", "last"]


def test_where_nothing_can_be_taken_the_list_says_so(api: TestClient, redis_url: str) -> None:
    said = api.post("events/batch?on_error=skip", json=[{}] * 400).json()

    assert (said["count"], said["event_ids"]) == (0, [])
    assert [each["index"] for each in said["refused"]] == list(range(400))
    assert all(each["issues"] for each in said["refused"])
    assert stored(redis_url) == []


def test_an_array_that_cannot_be_read_has_nothing_to_skip(api: TestClient) -> None:
    for body in (b"[1,", b"{}", b"", b"[]"):
        assert api.post("events/batch?on_error=skip", content=body).status_code == 400
    assert api.post("events/batch?on_error=skip", json=[{}] * 501).status_code == 413


def test_a_batch_without_faults_has_nothing_refused(api: TestClient) -> None:
    assert api.post("events/batch?on_error=skip", json=[EVENT]).json()["refused"] == []
    assert "refused" not in api.post("events/batch?on_error=fail&other=1", json=[EVENT]).json()
    answer = api.post("events/batch?on_error=ignore", json=[EVENT])
    assert (answer.status_code, answer.json()) == (400, {"error": "on_error must be one of: fail, skip"})
