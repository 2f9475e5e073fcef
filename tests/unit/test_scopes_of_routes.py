"""Every route says who may use it, in one table; what is not in the table is for admin keys alone."""

import re

import pytest
from fastapi.routing import iter_route_contexts
from pydantic import SecretStr

from eventpulse.settings import Settings
from ingest_api.app import create_app
from ingest_api.door.scopes import NEEDS, OPEN, ScopesByPath

SETTINGS = Settings(
    _env_file=None,
    redis_url=SecretStr("redis://127.0.0.1:1"),
    database_url=SecretStr("postgresql://nobody@127.0.0.1:1/none"),
)


def routes() -> list[tuple[str, str]]:
    """Method and path of every route of the app."""
    found = []
    for route in iter_route_contexts(create_app(SETTINGS).routes):
        methods = getattr(route, "methods", None) or {"WEBSOCKET"}
        found += [(method, str(route.path)) for method in sorted(methods - {"HEAD"})]
    return found


def test_the_walk_sees_every_kind_of_route() -> None:
    assert {("POST", "/api/v1/events"), ("GET", "/api/v1/rules"), ("WEBSOCKET", "/ws"), ("GET", "/docs")} < set(
        routes()
    )


@pytest.mark.parametrize(("method", "path"), routes())
def test_every_route_stands_in_the_table(method: str, path: str) -> None:
    assert (method, path) in NEEDS


@pytest.mark.parametrize(("method", "path"), NEEDS)
def test_a_request_needs_what_the_table_says_of_its_route(method: str, path: str) -> None:
    request = re.sub(r"\{\w+\}", "0b1a6f3e-7c1d-4b39-8b6a-2f6a1c9b7d10", path)

    assert ScopesByPath(NEEDS).needed(method, request) == NEEDS[method, path]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("GET", "/api/v1/rules\n"),
        ("GET", "/api/v1//rules"),
        ("GET", "/api/v1/rules/"),
        ("GET", "/api/v1/events/../rules"),
        ("GET", "/LIVEZ"),
        ("PUT", "/livez"),
        ("POST", "/api/v1/rules/one/two/three"),
        ("", ""),
    ],
)
def test_what_is_not_in_the_table_needs_admin(method: str, path: str) -> None:
    assert ScopesByPath(NEEDS).needed(method, path) == "admin"


def test_whatever_changes_rules_needs_admin_and_nothing_of_the_data_is_open() -> None:
    assert {scope for (method, path), scope in NEEDS.items() if method in ("PUT", "PATCH", "DELETE")} == {"admin", OPEN}
    assert {path for (_, path), scope in NEEDS.items() if scope is OPEN} == {
        *("/livez", "/readyz", "/api/v1/livez", "/api/v1/readyz"),
        *("/dashboard", "/dashboard/"),
        *("/dashboard/static/{version}/{name}", "/dashboard/static/{version}/{folder}/{name}"),
        *("/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc", "/api/v1/session"),
    }


def test_a_question_about_the_head_needs_what_the_whole_needs() -> None:
    assert ScopesByPath(NEEDS).needed("HEAD", "/api/v1/rules") == "read"
