"""Events are found, dead letters mended, and micro-batches seen, from the page."""

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.at_the_door import until
from tests.browser.product import Product
from tests.draining import publish_lines

pytestmark = pytest.mark.xdist_group("browser")


def test_events_are_searched_opened_and_shared_by_address(product: Product, page: Page) -> None:
    ids = product.send(*({"event_type": "request", "payload": {"status": 200 + number}} for number in range(250)))
    until(lambda: product.stored(ids))
    page.goto(product.page("/events"))
    page.get_by_label("Type").fill("request")
    page.get_by_label("Where").fill("payload.status >= 300")
    expect(page.get_by_text("looked at 250 events")).to_be_visible()
    rows = page.get_by_role("table", name="Events").get_by_role("row")
    expect(rows).to_have_count(101)
    page.get_by_role("button", name="Older").click()
    expect(page.get_by_text("Page 2")).to_be_visible()
    expect(rows).to_have_count(51)

    rows.nth(50).press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text('"status": 300')
    dialog.get_by_role("link", name=ids[100]).click()
    expect(page.get_by_role("heading", name="Event", exact=True)).to_be_visible()
    expect(page.locator("main")).to_contain_text('"status": 300')


def test_a_number_is_shown_as_it_was_sent(product: Product, page: Page) -> None:
    payload = '{"id": 9007199254740993}'
    body = f'{{"event_type": "n", "source": "s", "timestamp": "2026-01-31T12:00:00Z", "payload": {payload}}}'
    answer = httpx2.post(
        f"{product.address}/api/v1/events", content=body, headers={"content-type": "application/json"}, timeout=30
    )
    event_id = answer.json()["event_id"]
    until(lambda: product.stored([event_id]))
    page.goto(product.page(f"/events/{event_id}"))
    expect(page.locator("main")).to_contain_text("9007199254740993")


def test_a_dead_letter_is_mended_tried_and_redriven(product: Product, page: Page, complaints: list[str]) -> None:
    publish_lines(product.redis_url, [[b'{"event_type": "broken", "source": ']])
    page.goto(product.page("/dead-letters?state=open"))
    page.get_by_role("table", name="Dead letters").get_by_role("row").filter(has_text="broken").click()
    expect(page.get_by_role("region", name="What came in")).to_have_text('{"event_type": "broken", "source": ')

    editor = page.get_by_label("Event to be sent instead")
    editor.fill('{"event_type": "mended", "source": "tests"}')
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("timestamp").first).to_be_visible()
    complaints[:] = [said for said in complaints if "400 (Bad Request)" not in said]

    editor.fill('{"event_type": "mended", "source": "tests", "timestamp": "2026-01-31T12:00:00Z"}')
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_text("would be accepted")).to_be_visible()
    page.get_by_role("button", name="Save and redrive").click()
    expect(page.locator(".badge", has_text="redriven")).to_be_visible()
    page.locator("dd a.mono, dd.mono a").click()
    expect(page.locator("main")).to_contain_text("mended")


def test_micro_batches_are_listed_with_the_balance_of_all(product: Product, page: Page) -> None:
    ids = product.send({"event_type": "counted"})
    until(lambda: product.stored(ids))
    page.goto(product.page("/batches"))
    expect(page.get_by_text("balances", exact=True)).to_be_visible()
    expect(page.get_by_text("stored +")).to_be_visible()
    expect(page.get_by_role("table", name="Micro-batches").get_by_role("row").nth(1)).to_contain_text("live")


def test_an_address_that_is_none_leads_back(product: Product, page: Page) -> None:
    page.goto(product.page("/nowhere"))
    page.get_by_role("link", name="To the overview").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
