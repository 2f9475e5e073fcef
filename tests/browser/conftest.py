"""One product and one Chromium for all tests in a browser; each test has a page of its own."""

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Literal

import psycopg
import pytest
import redis
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from psycopg import sql

from tests.browser.product import Product, running_product
from tests.conftest import TEMPLATE

PATIENCE_MILLISECONDS = 60_000
expect.set_options(timeout=PATIENCE_MILLISECONDS)
_number = itertools.count(1)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, or the one that CHROMIUM names."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed: `apt-get install chromium`, or name one in CHROMIUM.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def product(postgresql_server: str, redis_server: str) -> Iterator[Product]:
    """A running product, with a database of its own."""
    name = f"browser_{next(_number)}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(TEMPLATE))
        )
        with redis.Redis.from_url(redis_server) as client:
            client.flushall()
        with running_product(postgresql_server.rsplit("/", 1)[0] + "/" + name, redis_server) as product:
            yield product
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def complaints() -> list[str]:
    """What the console of the page has said, and should not have. A test that breaks something empties it."""
    return []


@pytest.fixture
def new_page(browser: Browser, product: Product, complaints: list[str]) -> Iterator[Callable[..., Page]]:
    """Opens pages: `width`, `scheme`. In the end nothing may have gone wrong in any, and nobody else been asked."""
    contexts = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.text} ({message.location})")

    def open_page(*, width: int = 1280, height: int = 900, scheme: Literal["light", "dark"] = "light") -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.add(request.url.split("/")[2]))
        return page

    asked: set[str] = set()
    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
    assert all(host.startswith("127.0.0.1:") for host in asked)


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A page of the usual size."""
    return new_page()
