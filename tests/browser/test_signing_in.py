"""Where keys are needed, the page asks for one once; scripts cannot read what stands for it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine

from tests.at_the_door import a_key
from tests.browser.product import Product

pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture
def guarded(engine: Engine, database_url: str, redis_url: str) -> Iterator[tuple[Product, str]]:
    """A product that asks everybody for a key, and such a key."""
    key = a_key(engine, "admin")
    product = Product(database_url, redis_url, require_keys=True)
    product.start_api()
    yield product, key
    product.stop_api()


def test_a_key_is_asked_for_once(
    guarded: tuple[Product, str], new_page: Callable[..., Page], complaints: list[str]
) -> None:
    product, key = guarded
    page = new_page()
    page.goto(product.page())
    field = page.get_by_label("API key")
    field.fill("ep_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("key").last).to_be_visible()
    expect(field).to_have_attribute("aria-invalid", "true")
    complaints[:] = [said for said in complaints if "401 (Unauthorized)" not in said]

    field.fill(key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    assert page.evaluate("document.cookie") == ""
    assert key not in page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")

    page.reload()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("API key")).to_be_visible()
