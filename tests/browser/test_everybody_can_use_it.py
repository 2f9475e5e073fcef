"""Every page passes axe in light and dark, and fits a narrow screen and a wide one."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.at_the_door import until
from tests.browser.accessibility import settled, violations
from tests.browser.product import Product
from tests.draining import publish_lines

pytestmark = pytest.mark.xdist_group("another browser")
PAGES = [
    *("/", "/alerts", "/rules", "/rules/new", "/events", "/dead-letters", "/dead-letters/1", "/batches"),
    *("/channels", "/silences", "/audits"),
]


@pytest.fixture(scope="module", autouse=True)
def something_to_see(product: Product) -> None:
    """Events, and a dead letter."""
    publish_lines(product.redis_url, [[b"no event"]])
    ids = product.send(*({"event_type": f"type_{number % 12}", "payload": {"long": "x" * 300}} for number in range(60)))
    until(lambda: product.stored(ids))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(product: Product, new_page: Callable[..., Page], scheme: str) -> None:
    page = new_page(scheme=scheme)
    for path in PAGES:
        page.goto(product.page(path))
        settled(page)
        assert (path, violations(page)) == (path, [])


@pytest.mark.parametrize("width", [360, 768, 2560])
def test_no_page_is_wider_than_its_screen(product: Product, new_page: Callable[..., Page], width: int) -> None:
    page = new_page(width=width, height=800)
    for path in PAGES:
        page.goto(product.page(path))
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_the_navigation_of_a_narrow_screen_opens_and_closes(product: Product, new_page: Callable[..., Page]) -> None:
    page = new_page(width=360, height=740)
    page.goto(product.page())
    link = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Events")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    link.click()
    expect(page.get_by_role("heading", name="Events", level=1)).to_be_visible()
    expect(link).to_be_hidden()
