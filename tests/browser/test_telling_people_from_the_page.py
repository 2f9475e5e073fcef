"""Who is told, and who is not for a while, is arranged on the page."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.product import Product
from tests.receivers import http_receiver

pytestmark = pytest.mark.xdist_group("another browser")


def test_a_channel_is_made_tried_and_seen_among_what_was_sent(product: Product, new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto(product.page("/channels"))
    page.get_by_role("button", name="New channel").click()
    form = page.get_by_role("dialog", name="New channel")
    form.get_by_label("Name").fill("our program")
    form.get_by_label("Kind").select_option("webhook")
    with http_receiver() as receiver:
        form.get_by_label("Address").fill(receiver.url)
        form.get_by_label("Secret").fill("a secret of many letters")
        form.get_by_role("button", name="Make the channel").click()
        row = page.get_by_role("row").filter(has_text="our program").first
        row.get_by_role("button", name="Send a test").click()

        expect(page.get_by_text("The test has gone out over our program.")).to_be_visible()
        assert len(receiver.received) == 1
    expect(page.get_by_text("a secret of many letters")).to_have_count(0)
    expect(page.get_by_text(receiver.url)).to_have_count(0)
    expect(page.get_by_role("row").filter(has_text="test").filter(has_text="sent").first).to_be_visible()


def test_a_silence_says_what_it_would_have_hidden_and_stands_in_the_list(
    product: Product, new_page: Callable[..., Page]
) -> None:
    page = new_page()
    page.goto(product.page("/silences"))
    page.get_by_role("button", name="New silence").first.click()
    form = page.get_by_role("dialog", name="Silence")
    form.get_by_role("button", name="What would it have hidden?").click()
    expect(form.get_by_role("status")).not_to_be_empty()
    form.get_by_label("Why").fill("work on the database")
    form.get_by_role("button", name="Silence", exact=True).click()

    expect(page.get_by_role("row").filter(has_text="work on the database")).to_contain_text("active")
