"""What tests of the door share: keys that hold, and the API as it is where keys are needed."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import Engine

from eventpulse.api_key import ApiKey, Scope, hash_of, mint_key
from eventpulse.clock import utc_now
from eventpulse.database.api_keys import add_key
from eventpulse.settings import Settings
from tests.applications import app_with

EVENT = {"event_type": "page_view", "source": "web", "timestamp": "2026-01-31T10:00:00Z"}
LOOPBACK = "http://127.0.0.1/api/v1/"


def a_key(engine: Engine, *scopes: Scope, **more: Any) -> str:
    """A new key in the database."""
    text, prefix = mint_key()
    key = ApiKey(prefix, "a key", frozenset(scopes), hash_of(text), **{"created_at": utc_now(), **more})
    with engine.begin() as connection:
        add_key(connection, key)
    return text


def bearer(key: str) -> dict[str, str]:
    """The header that carries a key."""
    return {"authorization": f"Bearer {key}"}


@contextmanager
def serving(settings: Settings, base_url: str = LOOPBACK, **changes: Any) -> Iterator[TestClient]:
    """The API, with some settings changed."""
    with TestClient(app_with(settings.model_copy(update=changes)), base_url=base_url) as client:
        yield client


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)
