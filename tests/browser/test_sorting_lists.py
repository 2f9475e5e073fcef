"""A list is sorted by its headings, and the address keeps it."""

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.browser.product import Product

pytestmark = pytest.mark.xdist_group("browser")
QUIET = {"window_seconds": 60, "condition": {"type": "match", "filters": {"event_type": "no"}}}


def test_rules_are_sorted_by_severity_or_name_and_back(product: Product, page: Page) -> None:
    for name, severity in (("b", "info"), ("a", "warning"), ("c", "critical")):
        made = httpx2.post(
            f"{product.address}/api/v1/rules", json={**QUIET, "name": name, "severity": severity}, timeout=30
        )
        assert made.status_code == 201, made.text
    page.goto(product.page("/rules"))
    rows = page.get_by_role("table", name="Rules").locator("tbody a.strong")
    expect(rows).to_have_text(["a", "b", "c"])
    by_severity = page.get_by_role("columnheader", name="Severity")

    by_severity.get_by_role("button").click()
    expect(rows).to_have_text(["c", "a", "b"])
    expect(by_severity).to_have_attribute("aria-sort", "descending")
    expect(by_severity.get_by_role("button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(rows).to_have_text(["b", "a", "c"])

    page.reload()
    expect(rows).to_have_text(["b", "a", "c"])
    assert page.evaluate("location.hash") == "#/rules?sort=-Severity"
    by_severity.get_by_role("button").click()
    expect(rows).to_have_text(["a", "b", "c"])
    assert page.evaluate("location.hash") == "#/rules"
