"""The API in this process, on the real servers of the test."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from eventpulse.settings import Settings
from tests.applications import app_with


@pytest.fixture
def settings(database_url: str, redis_url: str) -> Settings:
    """What the API is told: the servers of this test, and limits small enough to run into."""
    return Settings(
        _env_file=None,
        database_url=SecretStr(database_url),
        redis_url=SecretStr(redis_url),
        max_body_bytes=200_000,
        max_batch_events=500,
    )


@pytest.fixture
def api(settings: Settings) -> Iterator[TestClient]:
    """A client of the API. Its path is relative to /api/v1."""
    with TestClient(app_with(settings), base_url="http://127.0.0.1/api/v1/") as client:
        yield client
