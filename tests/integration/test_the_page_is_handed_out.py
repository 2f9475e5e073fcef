"""The dashboard over HTTP: a strict policy, files that browsers keep, and no key needed to see the way in."""

import re

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from eventpulse.settings import Settings
from tests.at_the_door import a_key, serving

PAGE = "http://127.0.0.1/dashboard"


def a_script(api: TestClient, name: str = "app.js") -> str:
    """The address of a file as the page names it."""
    version = re.search(r"dashboard/static/(\w+)/app\.js", api.get(PAGE).text)
    assert version
    return f"{PAGE}/static/{version[1]}/{name}"


def test_the_page_lets_nothing_run_but_our_own_files(api: TestClient) -> None:
    answer = api.get(PAGE)
    policy = dict(part.split(" ", 1) for part in answer.headers.get_list("content-security-policy")[0].split("; "))

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in str(policy)


def test_a_browser_asks_for_the_page_each_time_and_gets_it_once(api: TestClient) -> None:
    first = api.get(PAGE)
    assert first.headers["cache-control"] == "no-cache"

    again = api.get(PAGE, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "content-security-policy" in again.headers
    assert api.get(PAGE, headers={"if-none-match": '"another"'}).status_code == 200


@pytest.mark.parametrize("name", ["app.js", "pages/overview.js", "echarts.js", "tokens.css", "icon.svg"])
def test_a_file_of_the_present_version_is_kept_for_ever(api: TestClient, name: str) -> None:
    address = a_script(api, name)
    answer = api.get(address, headers={"accept-encoding": "gzip"})

    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "accept-encoding"
    assert answer.content == api.get(address, headers={"accept-encoding": "identity"}).content
    assert api.get(address, headers={"if-none-match": f'"x", {answer.headers["etag"]}'}).status_code == 304


def test_a_file_of_another_version_is_the_present_one_and_not_kept(api: TestClient) -> None:
    answer = api.get(f"{PAGE}/static/0123456789abcdef/app.js")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize(
    "name", ["none.js", "../page.html", "%2e%2e/page.html", "..%2fpage_files.py", "pages", "pages/"]
)
def test_what_is_no_file_of_the_page_is_not_found(api: TestClient, name: str) -> None:
    answer = api.get(f"{PAGE}/static/1/{name}")
    assert answer.status_code == 404
    assert answer.json() == {"error": "Not Found"}


def test_the_page_with_a_slash_is_the_page(api: TestClient) -> None:
    assert api.get(f"{PAGE}/", follow_redirects=True).url.path == "/dashboard"


def test_the_way_in_needs_no_key(settings: Settings, engine: Engine) -> None:
    a_key(engine, "admin")
    with serving(settings, require_keys=True) as api:
        assert api.get(PAGE).status_code == 200
        assert api.get(a_script(api)).status_code == 200
        assert api.get("events").status_code == 401
