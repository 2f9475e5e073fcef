"""Whatever stands in an event is shown as text: no element of it comes to be, and nothing of it is run."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.at_the_door import until
from tests.browser.product import Product
from tests.draining import publish_lines

pytestmark = pytest.mark.xdist_group("browser")
ATTACKS = [
    "<img src=x onerror='window.taken=1'>",
    "<script>window.taken=1</script>",
    '"><svg onload=window.taken=1>',
    "javascript:window.taken=1",
    "{a|<b>x</b>}${window.taken=1}",
]


def test_no_field_of_an_event_becomes_more_than_text(product: Product, page: Page) -> None:
    events = [
        {
            "event_type": attack,
            "source": attack,
            "payload": {attack: attack, "url": attack, "ip": [attack]},
            "metadata": {attack: {attack: attack}},
        }
        for attack in ATTACKS
    ]
    ids = product.send(*events)
    lines = [json.dumps({**event, "timestamp": event["event_type"]}).encode() for event in events]
    publish_lines(product.redis_url, [lines])
    until(lambda: product.stored(ids))

    page.goto(product.page())
    for attack in ATTACKS:
        expect(page.get_by_role("region", name="Live events").get_by_text(attack, exact=True).first).to_be_visible()
        expect(page.get_by_role("region", name="Top events").get_by_text(attack, exact=True)).to_be_visible()
    is_harmless(page)
    for attack in ATTACKS:
        page.locator(".feed-row").filter(has_text=attack).first.click()
        expect(page.get_by_role("dialog")).to_contain_text(json.dumps(attack)[1:-1])
        is_harmless(page)
        page.keyboard.press("Escape")
    for path in ("/events", "/dead-letters", f"/events/{ids[0]}"):
        page.goto(product.page(path))
        expect(page.locator("main").get_by_text(ATTACKS[0]).first).to_be_visible()
        is_harmless(page)


def is_harmless(page: Page) -> None:
    assert page.evaluate("window.taken") is None
    assert page.evaluate("document.querySelectorAll('img, script:not([src]), [onload], [onerror]').length") == 0
    assert page.evaluate("document.querySelectorAll('a[href^=\"javascript\"]').length") == 0
