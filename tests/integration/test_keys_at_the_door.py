"""Where API keys are needed, each one opens what it says, at once and without asking a server; taken back, nothing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import Engine, make_url

from eventpulse.clock import utc_now
from eventpulse.database.api_keys import NO_ADMIN_KEY, revoke_key, usable_keys
from eventpulse.embedded.ports import choose_free_port
from eventpulse.errors import SettingsError
from eventpulse.settings import PROJECT_ROOT, Settings
from eventpulse.stream.connect import open_redis
from eventpulse.stream.shared_keys import tell_keys_changed
from tests.at_the_door import EVENT, a_key, bearer, serving, until


@pytest.fixture
def admin(engine: Engine) -> str:
    return a_key(engine, "admin")


@pytest.fixture
def guarded(settings: Settings, admin: str) -> Iterator[TestClient]:
    """An API that asks for keys, because a proxy offers it to others."""
    with serving(settings, require_keys=True) as client:
        yield client


def test_without_a_key_nobody_comes_in(guarded: TestClient) -> None:
    for method, path in (
        ("POST", "events"),
        ("GET", "events"),
        ("GET", "rules"),
        ("GET", "nothing"),
        ("GET", "/metrics"),
    ):
        answer = guarded.request(method, path)

        assert answer.status_code == 401
        assert answer.json() == {"error": "This needs an API key: Authorization: Bearer <key>"}
        assert answer.headers["www-authenticate"] == 'Bearer realm="EventPulse"'


def test_some_doors_are_open_to_everybody(guarded: TestClient) -> None:
    for path in ("/livez", "/readyz", "/api/v1/livez", "/openapi.json", "/docs", "/api/v1/session"):
        assert guarded.get(f"http://127.0.0.1{path}").status_code == 200, path


def test_a_key_that_is_none_is_told_so(guarded: TestClient) -> None:
    for header in ("Bearer", "Bearer ", "Bearer ep_abcdefgh_x", "Basic YTpi", "", "Bearer é", "bearer\t x"):
        answer = guarded.get("events", headers={"authorization": header.encode("latin-1")})

        assert answer.status_code == 401, header
        assert answer.json() == {"error": "This API key is none, or holds no longer"}
        assert answer.headers["www-authenticate"] == 'Bearer realm="EventPulse", error="invalid_token"'


def test_a_key_opens_its_scopes_and_admin_opens_all(guarded: TestClient, engine: Engine, settings: Settings) -> None:
    keys = {scope: bearer(a_key(engine, scope)) for scope in ("ingest", "read", "admin")}
    tell(settings, engine)
    until(lambda: guarded.get("session", headers=keys["admin"]).json()["signed_in"])

    def status(scope: str, method: str, path: str) -> int:
        body = EVENT if method == "POST" else None
        return guarded.request(method, path, headers=keys[scope], json=body).status_code

    assert [status(scope, "POST", "events") for scope in keys] == [202, 403, 202]
    assert [status(scope, "GET", "events") for scope in keys] == [403, 200, 200]
    assert [status(scope, "DELETE", f"rules/{'0' * 8}-0000-4000-8000-{'0' * 12}") for scope in keys] == [403, 403, 404]


def test_what_a_key_lacks_is_named(guarded: TestClient, engine: Engine, settings: Settings) -> None:
    key = bearer(a_key(engine, "ingest"))
    tell(settings, engine)
    until(lambda: guarded.post("events", json=EVENT, headers=key).status_code == 202)

    answer = guarded.get("events", headers=key)

    assert answer.status_code == 403
    assert answer.json() == {"error": "This API key does not have the scope read"}
    assert answer.headers["www-authenticate"].endswith('error="insufficient_scope", scope="read"')


def test_a_revoked_key_is_refused_soon_also_where_redis_tells_nobody(
    guarded: TestClient, engine: Engine, admin: str
) -> None:
    assert guarded.get("events", headers=bearer(admin)).status_code == 200

    with engine.begin() as connection:
        assert revoke_key(connection, admin[3:11])

    until(lambda: guarded.get("events", headers=bearer(admin)).status_code == 401)


def test_a_key_ends_when_it_expires(settings: Settings, engine: Engine, admin: str) -> None:
    key = bearer(a_key(engine, "read", expires_at=utc_now() + timedelta(seconds=3)))
    with serving(settings, require_keys=True) as api:
        until(lambda: api.get("events", headers=key).status_code == 401)
        assert api.get("events", headers=bearer(admin)).status_code == 200


def test_a_key_that_has_expired_or_was_revoked_opens_nothing(settings: Settings, engine: Engine, admin: str) -> None:
    expired = a_key(engine, "admin", expires_at=utc_now())
    revoked = a_key(engine, "admin")
    with engine.begin() as connection:
        revoke_key(connection, revoked[3:11])
    with serving(settings, require_keys=True) as api:
        assert [api.get("rules", headers=bearer(key)).status_code for key in (expired, revoked)] == [401, 401]


def test_last_use_is_written_behind_the_request(settings: Settings, engine: Engine, admin: str) -> None:
    with serving(settings, require_keys=True) as api:
        api.get("events", headers=bearer(admin))

    with engine.connect() as connection:
        [key] = usable_keys(connection)
    assert key.last_used_at is not None
    assert key.last_used_at >= key.created_at


def test_without_postgresql_known_keys_go_on_to_send_events(
    guarded: TestClient, engine: Engine, admin: str, postgresql_server: str
) -> None:
    assert guarded.post("events", json=EVENT, headers=bearer(admin)).status_code == 202
    with postgresql_away(engine, postgresql_server):
        until(lambda: guarded.get("events", headers=bearer(admin)).status_code == 503)
        assert guarded.post("events", json=EVENT, headers=bearer(admin)).status_code == 202
        assert guarded.post("events", json=EVENT, headers=bearer(admin[:-1])).status_code == 401


def test_an_api_that_starts_without_postgresql_takes_events_and_nothing_else(
    settings: Settings, engine: Engine, admin: str
) -> None:
    reader = a_key(engine, "read")
    tell(settings, engine)
    nowhere = SecretStr("postgresql://nobody@127.0.0.1:1/none")
    with serving(settings, require_keys=True, database_url=nowhere) as api:
        assert api.post("events", json=EVENT, headers=bearer(admin)).status_code == 202
        for key in (admin, reader):
            answer = api.get("events", headers=bearer(key))
            assert answer.status_code == 503
            assert answer.json()["error"].startswith("API keys cannot be checked now")
            assert answer.headers["retry-after"] == "1"
        assert api.post("events", json=EVENT).status_code == 401


def test_without_an_admin_key_the_api_does_not_listen_beyond_loopback(settings: Settings, engine: Engine) -> None:
    a_key(engine, "ingest", "read")
    for changes in ({"host": "0.0.0.0"}, {"require_keys": True}, {"trusted_hosts": "events.example.com"}):
        with (
            pytest.raises(SettingsError, match=r"eventpulse keys create NAME --scope admin"),
            serving(settings, **changes),
        ):
            pass


@pytest.mark.parametrize("module", ["ingest_api", "eventpulse"])
def test_without_an_admin_key_nothing_starts_and_the_reason_is_one_sentence(
    database_url: str, redis_url: str, tmp_path: Path, module: str
) -> None:
    ports = {name: str(choose_free_port()) for name in ("PORT", "EVENTPULSE_DAGSTER_PORT", "EVENTPULSE_CODE_PORT")}
    servers = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "EVENTPULSE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", module, *(["up"] if module == "eventpulse" else [])],
        env={**os.environ, **servers, **ports, "EVENTPULSE_REQUIRE_KEYS": "true"},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode != 0
    assert done.stderr.strip() == NO_ADMIN_KEY


def test_a_connection_from_elsewhere_needs_a_key_whatever_the_settings_say(settings: Settings, admin: str) -> None:
    with serving(settings, base_url="http://10.1.2.3:3000/api/v1/") as api:
        assert api.get("events").status_code == 401
        until(lambda: api.get("events", headers=bearer(admin)).status_code == 200)
        assert api.get("events", headers=bearer(admin[:-1])).status_code == 401


def test_without_keys_needed_a_key_does_no_harm(api: TestClient) -> None:
    assert api.get("events", headers=bearer("ep_abcdefgh_x")).status_code == 200


def tell(settings: Settings, engine: Engine) -> None:
    """What `eventpulse keys` does after a change."""
    assert settings.redis_url is not None
    with open_redis(settings.redis_url.get_secret_value()) as client, engine.connect() as connection:
        tell_keys_changed(client, usable_keys(connection))


class postgresql_away:
    """The database of this test lets nobody in for as long as the block lasts."""

    def __init__(self, engine: Engine, server: str) -> None:
        self._engine = engine
        self._server = server

    def __enter__(self) -> None:
        self._allow(False)

    def __exit__(self, *fault: object) -> None:
        self._allow(True)

    def _allow(self, allowed: bool) -> None:
        name = make_url(str(self._engine.url)).database
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(f'alter database "{name}" with allow_connections {str(allowed).lower()}')
            if not allowed:
                connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])


def test_the_answer_of_an_open_door_does_not_tell_which_keys_there_are(guarded: TestClient, admin: str) -> None:
    with_prefix_alone = guarded.get("events", headers=bearer(admin[:12] + "x" * 43))

    assert with_prefix_alone.json() == guarded.get("events", headers=bearer("x")).json()
