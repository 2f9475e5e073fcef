"""`eventpulse send` against the real API: whole files, once, also across a kill."""

import gzip
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr

from eventpulse.embedded.ports import choose_free_port
from eventpulse.embedded.running import running
from eventpulse.embedded.services import api_program
from eventpulse.settings import PROJECT_ROOT, load_settings
from eventpulse.stream.connect import open_redis
from eventpulse.stream.keys import EVENTS_STREAM


@pytest.fixture
def api(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[str]:
    """The address of a running API."""
    port = choose_free_port()
    urls = {"database_url": SecretStr(database_url), "redis_url": SecretStr(redis_url)}
    variables = {**os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url}
    with running(api_program(load_settings(port=port, **urls), variables), tmp_path / "api.log"):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def stream(redis_url: str) -> Iterator["redis.Redis"]:
    with open_redis(redis_url) as client:
        yield client


def command(api: str, home: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "eventpulse", "send", "--url", api, *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, "EVENTPULSE_HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def send(api: str, home: Path, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    with command(api, home, *arguments) as process:
        out, err = process.communicate(stdin)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def streamed(client: "redis.Redis") -> list[dict[str, object]]:
    """Every event in the stream, in order, as often as it is there."""
    entries: list[tuple[bytes, dict[bytes, bytes]]] = client.xrange(EVENTS_STREAM)  # type: ignore[assignment]
    return [json.loads(line) for _, fields in entries for line in fields[b"events"].splitlines()]


def event(number: int, **changes: object) -> str:
    fields = {"event_type": "tick", "source": "test", "timestamp": f"2026-01-01T00:00:00.{number:06}Z"}
    return json.dumps({**fields, "payload": {"n": number}, **changes})


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_a_compressed_file_arrives_whole_and_in_order(api: str, stream: "redis.Redis", tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson.gz"
    file.write_bytes(gzip.compress("\n".join(event(n) for n in range(2500)).encode()))

    result = send(api, tmp_path, str(file))

    assert (result.returncode, result.stdout.splitlines()[-1]) == (0, "2,500 accepted, 0 refused.")
    assert sorted(str(each["payload"]) for each in streamed(stream)) == sorted(f'{{"n": {n}}}' for n in range(2500))


def test_a_killed_sending_goes_on_and_no_event_gets_a_second_id(
    api: str, stream: "redis.Redis", tmp_path: Path
) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text("\n".join(event(n) for n in range(2000)))
    with command(api, tmp_path, str(file), "--rate", "1000") as interrupted:
        wait_until(lambda: len(streamed(stream)) >= 300)
        interrupted.kill()

    result = send(api, tmp_path, str(file))

    assert result.returncode == 0
    counts = re.search(r"^([\d,]+) accepted \(([\d,]+) more before\), 0 refused\.$", result.stdout, re.MULTILINE)
    assert counts and sum(int(count.replace(",", "")) for count in counts.groups()) == 2000
    events = streamed(stream)
    assert len({each["event_id"] for each in events}) == len({str(each["payload"]) for each in events}) == 2000
    assert send(api, tmp_path, str(file)).stdout.splitlines()[-1].startswith("Everything had been sent.")


def test_refused_lines_are_named_with_their_faults_and_the_rest_is_taken(
    api: str, stream: "redis.Redis", tmp_path: Path
) -> None:
    file = tmp_path / "events.ndjson"
    lines = [event(n) for n in range(20)]
    lines[4] = event(4, source="")
    lines[11] = "broken"
    lines[17] = event(17, timestamp="soon")
    file.write_text("\n".join(lines))

    result = send(api, tmp_path, str(file), "--on-refused", "skip")

    assert (result.returncode, result.stdout.splitlines()[-1]) == (0, "17 accepted, 3 refused.")
    named = [re.fullmatch(rf"{file}:(\d+): (\S.*)", line) for line in result.stderr.splitlines()]
    assert [int(match[1]) for match in named if match] == [5, 12, 18]
    assert "source" in result.stderr and "timestamp" in result.stderr
    assert len(streamed(stream)) == 17


def test_a_refused_line_stops_the_sending_unless_it_may_be_skipped(
    api: str, stream: "redis.Redis", tmp_path: Path
) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text("\n".join([event(0), event(1, source=""), event(2)]))
    result = send(api, tmp_path, str(file))
    assert result.returncode == 1
    assert f"{file}:2: " in result.stderr and "--on-refused skip" in result.stderr
    assert streamed(stream) == []


def test_shifted_events_end_now_and_keep_their_distances(api: str, stream: "redis.Redis", tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text("\n".join([event(0, timestamp="2020-02-28T23:00:00.000001Z"), event(1), event(2)]))
    before = time.time()
    assert send(api, tmp_path, str(file), "--shift-to-now").returncode == 0
    times = sorted(int(str(each["timestamp"])) for each in streamed(stream))
    assert before - 1 <= times[2] / 1e6 <= time.time()
    assert times[2] - times[1] == 1
    years = datetime(2026, 1, 1, microsecond=1) - datetime(2020, 2, 28, 23, microsecond=1)
    assert times[1] - times[0] == years // timedelta(microseconds=1)


def test_standard_input_is_sent_too(api: str, stream: "redis.Redis", tmp_path: Path) -> None:
    result = send(api, tmp_path, "-", stdin="\n".join(event(n) for n in range(30)))
    assert (result.returncode, result.stdout.splitlines()[-1]) == (0, "30 accepted, 0 refused.")
    assert len(streamed(stream)) == 30


def test_nobody_there_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_text(event(0))
    url = f"http://127.0.0.1:{choose_free_port()}"
    result = send(url, tmp_path, str(file))
    assert result.returncode == 1
    assert result.stderr == (
        f"{url} takes no events: nothing answers there. Is EventPulse running there? "
        "The same command goes on once it is.\n"
    )
