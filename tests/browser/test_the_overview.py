"""The overview follows what happens, without a reload."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.at_the_door import until
from tests.browser.product import Product

pytestmark = pytest.mark.xdist_group("another browser")


def panel(page: Page, title: str):  # type: ignore[no-untyped-def]
    return page.get_by_role("region", name=title, exact=True)


def test_events_show_up_in_feed_and_numbers_by_themselves(product: Product, page: Page) -> None:
    page.goto(product.page())
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    product.send({"event_type": "order_placed", "source": "shop", "payload": {"sum": 12.5}})

    expect(panel(page, "Live events").get_by_role("button", name="order_placed")).to_contain_text("sum=12.5")
    expect(panel(page, "Top events").get_by_role("button", name="order_placed")).to_be_visible()
    expect(panel(page, "Now")).to_contain_text("balances")
    expect(panel(page, "Health")).to_contain_text("answers")
    expect(panel(page, "Health").get_by_role("listitem").filter(has_text="Sender")).to_contain_text("nobody sends")
    expect(panel(page, "Health").get_by_role("listitem").filter(has_text="Channels")).to_contain_text("nobody is told")
    expect(panel(page, "Events a second").get_by_role("img")).to_have_attribute(
        "aria-label", re.compile("order_placed")
    )
    for title in ("Now", "Events a second", "Live events", "Anomalies", "Top events", "Health"):
        expect(panel(page, title)).to_contain_text(re.compile(r"updated \d+ s ago"))


def test_the_feed_rests_while_paused_and_then_catches_up(product: Product, page: Page) -> None:
    page.goto(product.page())
    feed = panel(page, "Live events")
    ids = product.send({"event_type": "before_the_pause"})
    expect(feed.get_by_role("button", name="before_the_pause")).to_be_visible()

    page.keyboard.press("p")
    ids = product.send({"event_type": "while_paused"})
    until(lambda: product.stored(ids))
    page.evaluate("() => new Promise((resolve) => setTimeout(resolve, 1500))")
    expect(feed.get_by_role("button", name="while_paused")).to_have_count(0)

    feed.get_by_role("button", name="Go on").click()
    expect(feed.get_by_role("button", name="while_paused")).to_be_visible()


def test_the_feed_shows_only_what_a_condition_holds_for(product: Product, page: Page) -> None:
    page.goto(product.page())
    product.send({"event_type": "cheap", "payload": {"sum": 1}}, {"event_type": "dear", "payload": {"sum": 1000}})
    feed = panel(page, "Live events")
    expect(feed.get_by_role("button", name="cheap")).to_be_visible()

    feed.get_by_label("Only events where").fill("payload.sum > 999")
    expect(feed.get_by_role("button", name="cheap")).to_have_count(0)
    expect(feed.get_by_role("button", name="dear")).to_be_visible()
    assert "where=" in page.url

    product.send({"event_type": "dearer", "payload": {"sum": 2000}}, {"event_type": "cheaper", "payload": {"sum": 0}})
    expect(feed.get_by_role("button", name="dearer")).to_be_visible()
    expect(feed.get_by_role("button", name="cheaper")).to_have_count(0)


def test_a_condition_that_cannot_be_read_is_explained(product: Product, page: Page, complaints: list[str]) -> None:
    page.goto(product.page())
    page.get_by_label("Only events where").fill("payload.sum >")
    expect(panel(page, "Live events")).to_contain_text(re.compile("where, column 1[0-9]"))
    complaints[:] = [said for said in complaints if "400 (Bad Request)" not in said]


def test_a_lost_connection_is_shown_and_heals(product: Product, page: Page, complaints: list[str]) -> None:
    page.goto(product.page())
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(panel(page, "Health")).to_contain_text("answers")

    product.stop_api()
    try:
        expect(page.get_by_role("alert")).to_contain_text("No connection")
        expect(panel(page, "Health")).to_contain_text("EventPulse does not answer")
    finally:
        product.start_api()
    page.get_by_role("button", name="Try now").click()
    expect(page.get_by_role("alert")).to_be_hidden()
    product.send({"event_type": "after_the_restart"})
    expect(panel(page, "Live events").get_by_role("button", name="after_the_restart")).to_be_visible()
    expect(page.locator(".panel.stale")).to_have_count(0)
    complaints.clear()


def test_the_page_is_used_by_keyboard(product: Product, page: Page) -> None:
    page.goto(product.page())
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()

    page.keyboard.press("g")
    page.keyboard.press("b")
    expect(page.get_by_role("heading", name="Batches", exact=True)).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Pause" if "/#/" in page.url else "Overview")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_dark_light_and_the_system_are_a_button_away(product: Product, new_page: Callable[..., Page]) -> None:
    page = new_page(scheme="dark")
    page.goto(product.page())
    scheme = "getComputedStyle(document.documentElement).colorScheme"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 16, 21)"
    page.get_by_role("button", name="Theme").click()
    assert page.evaluate(scheme) == "light"
    page.reload()
    assert page.evaluate(scheme) == "light"
