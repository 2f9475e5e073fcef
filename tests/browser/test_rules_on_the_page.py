"""A rule from its first word to its first alert: written, tried on history, made, fired, acknowledged, explained."""

import re
from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest
from playwright.sync_api import Page, Route, expect

from eventpulse.clock import utc_now
from tests.at_the_door import until
from tests.browser.product import Product

pytestmark = pytest.mark.xdist_group("browser")
QUIET = {"severity": "warning", "window_seconds": 60, "condition": {"type": "match", "filters": {"event_type": "no"}}}


def make_rule(product: Product, name: str, **changes: object) -> str:
    """Make a rule over HTTP; its id."""
    answer = httpx2.post(f"{product.address}/api/v1/rules", json={**QUIET, "name": name, **changes}, timeout=30)
    assert answer.status_code == 201, answer.text
    rule_id: str = answer.json()["rule_id"]
    return rule_id


def attack(product: Product, address: str, *, minutes_ago: float = 0) -> None:
    """Six failed logins of one address."""
    at = (utc_now() - timedelta(minutes=minutes_ago)).isoformat()
    failed = {"event_type": "login_failed", "timestamp": at, "payload": {"ip": address}}
    ids = product.send(*[failed] * 6)
    until(lambda: product.stored(ids))


def test_an_answer_that_comes_late_takes_nothing_back_of_what_was_written_meanwhile(
    product: Product, new_page: Callable[..., Page]
) -> None:
    page, held = new_page(), list[Route]()
    page.route("**/api/v1/rules/text", lambda route: route.continue_() if held else held.append(route))
    page.goto(product.page("/rules/new"))
    page.get_by_label("Event type").wait_for()
    until(lambda: page.evaluate("1") and held)

    page.get_by_label("Name").fill("written meanwhile")
    with page.expect_response("**/api/v1/rules/text"):
        held[0].continue_()
    page.get_by_label("Event type").fill("tick")

    expect(page.get_by_text("It can be read.")).to_be_visible()


def test_a_rule_is_written_tried_made_and_its_alert_appears_and_is_acknowledged(
    product: Product, new_page: Callable[..., Page]
) -> None:
    attack(product, "10.0.0.1", minutes_ago=90)
    page, alerts = new_page(), new_page()
    alerts.goto(product.page("/alerts?rule=brute%20force"))
    expect(alerts.get_by_text("No alert is like this.")).to_be_visible()

    page.goto(product.page("/rules/new"))
    expect(page.get_by_text("Give it a name, and say what it looks for.")).to_be_visible()
    page.get_by_label("Name").fill("brute force")
    page.get_by_label("Severity").select_option("critical")
    page.get_by_label("Event type").fill("login_failed")
    page.get_by_label("Group by").fill("payload.ip")
    expect(page.get_by_text("It can be read.")).to_be_visible()
    page.get_by_role("button", name="Try it").click()
    found = page.get_by_role("region", name="What it would have found")
    expect(found).to_contain_text("1 anomaly")
    expect(found).to_contain_text("Nobody would be told of 1 alert: there is no channel.")
    expect(found.get_by_role("img", name=re.compile("^Course of ip 10.0.0.1"))).to_be_visible()
    page.get_by_role("button", name="Create the rule").click()
    expect(page.get_by_role("heading", name="brute force", level=1)).to_be_visible()

    attack(product, "10.0.0.2")

    row = alerts.get_by_role("row").filter(has_text="ip 10.0.0.2")
    expect(row).to_contain_text("brute force")
    row.get_by_role("checkbox").check()
    alerts.get_by_role("button", name="Acknowledge", exact=True).click()
    expect(row).to_contain_text("acknowledged")
    row.get_by_role("link", name="brute force").click()
    expect(alerts.get_by_role("heading", level=1)).to_contain_text("ip 10.0.0.2")
    expect(alerts.get_by_role("img", name=re.compile("^Course of ip 10.0.0.2"))).to_be_visible(timeout=60_000)
    expect(alerts.get_by_role("region", name="Events").locator("summary")).to_have_count(6)
    alerts.get_by_role("button", name="Re-evaluate").click()
    expect(alerts.get_by_text("Evaluated afresh over the stored events")).to_be_visible(timeout=60_000)
    expect(alerts.get_by_text("agrees", exact=True)).to_be_visible(timeout=60_000)
    lineage = alerts.get_by_role("region", name="Where it comes from")
    expect(lineage.get_by_role("link", name=re.compile("opens in a new tab"))).to_have_attribute(
        "href", re.compile(r"^http://127\.0\.0\.1:\d+/runs/")
    )
    alerts.get_by_label("Note").fill("it was a test")
    alerts.get_by_role("button", name="Resolve").click()
    expect(alerts.get_by_role("region", name="History")).to_contain_text("it was a test")


def test_a_fault_is_shown_in_its_line_and_nothing_can_be_saved(product: Product, page: Page) -> None:
    rule_id = make_rule(product, "with faults")
    page.goto(product.page(f"/rules/{rule_id}"))
    page.get_by_role("button", name="YAML").click()
    text = page.get_by_label("The rule as text")
    expect(text).to_have_value(re.compile("severity: warning"))

    text.fill(text.input_value().replace("severity: warning", "severity: loud"))

    line = text.input_value().split("\n").index("severity: loud") + 1
    fault = page.get_by_role("button", name=f"Line {line}, column 11")
    expect(fault).to_be_visible()
    expect(page.locator(".gutter .faulty")).to_have_text(str(line))
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    fault.click()
    assert page.evaluate("document.activeElement.selectionStart") == text.input_value().index("loud")

    text.fill(text.input_value().replace("severity: loud", "severity: info"))
    page.get_by_role("button", name="Save").click()

    versions = page.get_by_role("region", name="Versions")
    versions.get_by_text("Version 2").click()
    expect(versions.locator(".difference .gone")).to_contain_text("severity: warning")
    expect(versions.locator(".difference .added")).to_contain_text("severity: info")


def test_a_rule_is_disabled_shadowed_and_removed_from_its_page(product: Product, page: Page) -> None:
    rule_id = make_rule(product, "short-lived")
    page.goto(product.page(f"/rules/{rule_id}"))
    doing = page.get_by_role("region", name="How it is doing")
    expect(doing).to_contain_text("live")
    doing.get_by_role("button", name="Into the shadow").click()
    expect(doing).to_contain_text("shadow")
    doing.get_by_role("button", name="Disable").click()
    expect(doing.get_by_role("button", name="Enable")).to_be_visible()
    doing.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="Rules", level=1)).to_be_visible()
    assert httpx2.get(f"{product.address}/api/v1/rules/{rule_id}", timeout=30).status_code == 404
