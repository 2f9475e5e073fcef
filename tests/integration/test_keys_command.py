"""`eventpulse keys`: a key is shown once, kept as a hash, and can be taken back, whether EventPulse runs or not."""

import json
import re
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from eventpulse.api_key import hash_of
from eventpulse.cli.main import app
from eventpulse.embedded.ports import choose_free_port
from eventpulse.stream.keys import INGEST_KEYS
from eventpulse.stream.shared_keys import read_copy

KEY = re.compile(r"ep_[a-z0-9]{8}_[A-Za-z0-9]{43}")


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["keys", *words])
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


@pytest.fixture
def installation(monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)


@pytest.mark.usefixtures("installation")
def test_a_key_is_printed_once_and_only_its_hash_is_kept(engine: Engine) -> None:
    key = run("create", "the shop", "--scope", "ingest").strip()

    assert KEY.fullmatch(key)
    with engine.connect() as connection:
        [row] = connection.execute(text("select * from eventpulse.api_keys")).mappings().all()
    assert row["hash"] == hash_of(key)
    assert row["prefix"] == key[3:11]
    assert key[12:] not in str(dict(row))
    assert key[12:] not in run("list") + run("list", "--json")


@pytest.mark.usefixtures("installation")
def test_the_list_tells_what_each_key_opens_and_whether_it_holds() -> None:
    first = run("create", "all", "--scope", "admin", "--expires-days", "3").strip()
    run("create", "shop", "--scope", "read", "--scope", "ingest", "--events-per-second", "50")
    run("revoke", first[:11])

    listed = json.loads(run("list", "--json"))

    assert [(key["name"], key["scopes"], key["state"], key["events_per_second"]) for key in listed] == [
        ("all", ["admin"], "revoked", None),
        ("shop", ["ingest", "read"], "valid", 50),
    ]
    assert listed[0]["expires_at"] is not None
    assert "revoked" in run("list")


@pytest.mark.usefixtures("installation")
def test_redis_holds_a_copy_of_the_keys_that_may_send_events(redis_url: str) -> None:
    key = run("create", "all", "--scope", "admin").strip()
    run("create", "reader", "--scope", "read")

    with redis.Redis.from_url(redis_url) as client:
        stored = client.get(INGEST_KEYS)
        assert isinstance(stored, bytes)
        [copied] = read_copy(stored)
        assert (copied.hash, copied.opens) == (hash_of(key), {"ingest"})

        run("revoke", key)
        assert client.get(INGEST_KEYS) == b"[]"


@pytest.mark.usefixtures("installation")
@pytest.mark.parametrize("words", [["revoke", "zzzzzzzz"], ["revoke", "x"], ["create", " ", "--scope", "read"]])
def test_what_makes_no_sense_is_refused_in_a_sentence(words: list[str]) -> None:
    assert run(*words, code=1).strip().endswith(".")


@pytest.mark.usefixtures("installation")
def test_a_key_that_opens_nothing_is_not_made() -> None:
    assert "--scope" in run("create", "shop", code=2)


def test_a_key_can_be_made_before_the_first_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EVENTPULSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EVENTPULSE_POSTGRES_PORT", str(choose_free_port()))

    key = run("create", "me", "--scope", "admin").strip()

    assert [known["prefix"] for known in json.loads(run("list", "--json"))] == [key[:11]]


def test_a_database_that_is_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:s3cr3t@127.0.0.1:1/x")

    said = run("list", code=1)

    assert "PostgreSQL" in said
    assert "s3cr3t" not in said
