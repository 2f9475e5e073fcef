"""What tests of the door share: keys that hold, and the API as it is where keys are needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import Engine

from eventpulse.api_key import ApiKey, Scope, hash_of, mint_key
from eventpulse.clock import utc_now
from eventpulse.database.api_keys import add_key
from eventpulse.settings import Settings
from ingest_api.app import create_app

EVENT = {"event_type": "page_view", "source": "web", "timestamp": "2026-01-31T10:00:00Z"}


def a_key(engine: Engine, *scopes: Scope, name: str = "a key", **more: Any) -> str:
    """A new key in the database."""
    text, prefix = mint_key()
    with engine.begin() as connection:
        add_key(connection, ApiKey(prefix, name, frozenset(scopes), hash_of(text), created_at=utc_now(), **more))
    return text


def bearer(key: str) -> dict[str, str]:
    """The header that carries a key."""
    return {"authorization": f"Bearer {key}"}


@contextmanager
def serving(settings: Settings, base_url: str = "http://127.0.0.1/api/v1/", **changes: Any) -> Iterator[TestClient]:
    """The API with changed settings."""
    with TestClient(create_app(settings.model_copy(update=changes)), base_url=base_url) as client:
        yield client


def in_the_past(instant: datetime | None) -> bool:
    """Whether there is an instant, and it is over."""
    return instant is not None and instant <= utc_now()
