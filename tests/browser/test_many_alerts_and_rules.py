"""Ten thousand alerts and a thousand rules are shown in pieces: what a browser has to hold stays bounded."""

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from eventpulse.database.connect import open_engine
from tests.browser.product import Product

pytestmark = pytest.mark.xdist_group("another browser")
MOST_NODES = 6_000
ATTACK = "<img src=x onerror='window.taken=1'>"


@pytest.fixture(scope="module", autouse=True)
def plenty(product: Product) -> None:
    """10,000 alerts, which are over, and 1,000 rules, all with a text that would like to be HTML."""
    engine = open_engine(product.database_url, application="tests")
    with engine.begin() as connection:
        connection.execute(
            text(
                "insert into eventpulse.rules (rule_id, name, enabled, severity, version, semantic_hash, document)"
                " select gen_random_uuid(), :attack || n, false, 'info', 1, 'x', json_build_object('name', :attack"
                " || n, 'enabled', false, 'severity', 'info', 'window_seconds', 60, 'condition', json_build_object("
                "'type', 'match')) from generate_series(1, 1000) n"
            ),
            {"attack": ATTACK},
        )
        connection.execute(
            text(
                """
                insert into eventpulse.alerts (alert_id, rule_id, rule_name, rule_version, severity, mode, "group",
                    group_key, state, resolved_at, resolution, opened_at, last_at, anomaly_count, message,
                    first_anomaly_id, latest_anomaly_id, origin, batch_id, meaning)
                select gen_random_uuid(), gen_random_uuid(), :attack, 1, 'critical', 'live',
                    json_build_object('payload.ip', :attack || n), n, 'resolved', now(), 'rule_removed', now(),
                    now(), 1, :attack, gen_random_uuid(), gen_random_uuid(), 'live', 1, 'x'
                from generate_series(1, 10000) n
                """
            ),
            {"attack": ATTACK},
        )
    engine.dispose()


def nodes(page: Page) -> int:
    count: int = page.evaluate("document.querySelectorAll('*').length")
    return count


def test_ten_thousand_alerts_come_page_by_page(product: Product, page: Page) -> None:
    page.goto(product.page("/alerts?state=all"))
    rows = page.get_by_role("table", name="Alerts").locator("tbody tr")
    expect(rows).to_have_count(100)
    assert nodes(page) < MOST_NODES
    first = rows.first.inner_text()
    page.get_by_role("button", name="Older").click()
    expect(rows.first).not_to_have_text(first)
    expect(rows).to_have_count(100)
    assert nodes(page) < MOST_NODES

    expect(page.get_by_label("Choose all on this page")).to_be_hidden()  # they are over


def test_a_thousand_rules_are_drawn_piece_by_piece_and_found_by_name(product: Product, page: Page) -> None:
    page.goto(product.page("/rules"))
    rows = page.get_by_role("table", name="Rules").locator("tbody tr")
    expect(rows).to_have_count(200)
    assert nodes(page) < 2 * MOST_NODES
    page.get_by_label("Search").fill(f"{ATTACK}1000")
    expect(rows).to_have_count(1)


def test_no_name_group_or_message_becomes_more_than_text(product: Product, page: Page) -> None:
    for path in ("/alerts?state=all", "/rules", "/rules/new"):
        page.goto(product.page(path))
        expect(page.locator("main h1")).to_be_visible()
        expect(page.locator(".skeleton")).to_have_count(0)
        assert page.evaluate("window.taken") is None
        assert page.evaluate("document.querySelectorAll('img, [onerror]').length") == 0
    page.goto(product.page("/alerts?state=all"))
    page.get_by_role("link", name=ATTACK).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(ATTACK)
    assert page.evaluate("window.taken") is None
    assert page.evaluate("document.querySelectorAll('img, [onerror]').length") == 0
