"""How PostgreSQL, Redis and the HTTP API are."""

from collections.abc import Mapping
from typing import Any

import httpx2
import redis
from sqlalchemy import Connection, text

from eventpulse.database.tables import SCHEMA
from eventpulse.health.part import Part, State

POSTGRESQL, REDIS, API = "PostgreSQL", "Redis", "HTTP API"


def postgresql(connection: Connection) -> Part:
    """Its version, and whether our tables are there."""
    version = connection.execute(text("show server_version")).scalar_one().split()[0]
    tables = connection.execute(text(f"select to_regclass('{SCHEMA}.batches') is not null")).scalar_one()
    if not tables:
        return Part(POSTGRESQL, State.DOWN, "it has no tables of ours yet; `eventpulse migrate` makes them")
    return Part(POSTGRESQL, State.UP, f"version {version}", {"version": version})


def redis_server(client: "redis.Redis") -> Part:
    """Its version, and whether it keeps every accepted event on disk."""
    server: Any = client.info("server")
    name = "Valkey" if "valkey_version" in server else "Redis"
    version = server.get("valkey_version") or server["redis_version"]
    persistence: Any = client.info("persistence")
    settings = _settings(client)
    details = {"server": name, "version": version, **settings, "aof_write": persistence.get("aof_last_write_status")}
    state, promise = durability(settings, str(persistence.get("aof_last_write_status", "ok")))
    return Part(REDIS, state, f"{name} {version}, {promise}", details)


def durability(settings: Mapping[str, str], last_write: str) -> tuple[State, str]:
    """What the append-only settings promise about an accepted event."""
    if last_write != "ok":
        return State.DOWN, "its append-only file cannot be written; accepted events would be lost"
    if not settings:
        return State.WARNING, "it does not tell its settings (appendonly, appendfsync)"
    if settings["appendonly"] != "yes":
        return State.WARNING, "appendonly is no: accepted events are lost when it stops"
    if settings["appendfsync"] != "always":
        return State.WARNING, f"appendfsync is {settings['appendfsync']}: a power cut can lose accepted events"
    return State.UP, "appendonly yes, appendfsync always"


def _settings(client: "redis.Redis") -> dict[str, str]:
    try:
        answer: Any = client.config_get("appendonly", "appendfsync")
    except redis.ResponseError:  # a hosted server may keep its settings to itself
        return {}
    return {_text(name): _text(value) for name, value in answer.items()} if len(answer) == 2 else {}


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def http_api(client: httpx2.Client, base_url: str, headers: Mapping[str, str]) -> Part:
    """Whether it answers, and what it says of what it needs."""
    answer = client.get(base_url + "/api/v1/events/health", headers=dict(headers))
    details = {"url": base_url, "status": answer.status_code}
    if answer.status_code == 200:
        return Part(API, State.UP, base_url, details)
    if answer.status_code == 503:
        return Part(API, State.WARNING, f"{base_url} answers, but cannot take events now", details)
    return Part(API, State.WARNING, f"{base_url} answers {answer.status_code}", details)
