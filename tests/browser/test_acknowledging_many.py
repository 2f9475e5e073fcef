"""Many alerts are acknowledged at once: several, all of a page, all that match; and what did not work is said."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from sqlalchemy import Connection, Engine, text

from eventpulse.clock import utc_now
from eventpulse.database.connect import open_engine
from tests.browser.product import Product

pytestmark = pytest.mark.xdist_group("another browser")


@pytest.fixture(scope="module")
def database(product: Product) -> Iterator[Engine]:
    engine = open_engine(product.database_url, application="tests")
    yield engine
    engine.dispose()


@pytest.fixture
def alerts(database: Engine) -> Iterator[Callable[..., None]]:
    """Adds open alerts, and takes all of them away in the end."""

    def add(count: int, **changes: Any) -> None:
        with database.begin() as connection:
            connection.execute(
                text(
                    """
                    insert into eventpulse.alerts (alert_id, rule_id, rule_name, rule_version, severity, mode, "group",
                        group_key, opened_at, last_at, anomaly_count, message, first_anomaly_id, latest_anomaly_id,
                        origin, batch_id, meaning)
                    select gen_random_uuid(), gen_random_uuid(), :rule, 1, :severity, 'live',
                        json_build_object('payload.ip', :rule || n), n, :opened, :opened, 1, 'too many',
                        gen_random_uuid(), gen_random_uuid(), 'live', 1, 'x' from generate_series(1, :count) n
                    """
                ),
                {"count": count, "rule": "flood", "severity": "critical", "opened": utc_now(), **changes},
            )

    yield add
    with database.begin() as connection:
        connection.execute(text("truncate eventpulse.alerts, eventpulse.alert_history, eventpulse.outbox"))


def states(connection: Connection) -> dict[str, int]:
    rows = connection.execute(text("select state, count(*) from eventpulse.alerts group by state"))
    return {row[0]: row[1] for row in rows}


def now(database: Engine) -> dict[str, int]:
    with database.connect() as connection:
        return states(connection)


def rows_of(page: Page) -> Locator:
    return page.get_by_role("table", name="Alerts").locator("tbody tr")


def acknowledge(page: Page) -> None:
    page.get_by_role("button", name="Acknowledge", exact=True).click()


def test_of_several_that_are_chosen_those_that_are_over_meanwhile_are_named(
    product: Product, page: Page, alerts: Callable[..., None], database: Engine
) -> None:
    alerts(4)
    page.goto(product.page("/alerts"))
    for number in (0, 1, 2):
        rows_of(page).nth(number).get_by_role("checkbox").check()
    page.route("**/api/v1/alerts?*", lambda route: None)  # the list does not hear that one is over
    over = rows_of(page).nth(1).get_by_role("checkbox").get_attribute("data-id")
    with database.begin() as connection:
        connection.execute(
            text(
                "update eventpulse.alerts set state = 'resolved', resolved_at = now(), resolution = 'ended'"
                " where alert_id = :id"
            ),
            {"id": over},
        )

    acknowledge(page)

    expect(page.get_by_text("2 alerts acknowledged. 1 was resolved already.")).to_be_visible()
    assert now(database) == {"acknowledged": 2, "resolved": 1, "open": 1}


def test_a_choice_ends_with_the_filter_it_was_made_under(
    product: Product, page: Page, alerts: Callable[..., None]
) -> None:
    alerts(3)
    alerts(2, rule="trickle", severity="warning")
    page.goto(product.page("/alerts"))
    page.get_by_label("Choose all on this page").check()
    expect(page.get_by_text("5 chosen")).to_be_visible()

    page.get_by_label("Severity").select_option("warning")

    expect(rows_of(page)).to_have_count(2)
    expect(page.get_by_text(re.compile(r"\d chosen"))).to_have_count(0)
    expect(page.get_by_role("button", name="Acknowledge", exact=True)).to_be_disabled()


def test_all_that_match_are_a_thousand_on_many_pages_and_no_others(
    product: Product, page: Page, alerts: Callable[..., None], database: Engine
) -> None:
    alerts(1000)
    alerts(50, rule="trickle", severity="warning")
    page.goto(product.page("/alerts?severity=critical"))
    expect(rows_of(page)).to_have_count(100)
    page.get_by_label("Choose all on this page").check()
    page.get_by_role("button", name="Choose all that match").click()
    expect(page.get_by_text("1,000 chosen, on all pages")).to_be_visible()

    acknowledge(page)
    page.get_by_role("dialog").get_by_role("button", name="Acknowledge 1,000 alerts").click()

    expect(page.get_by_text("1,000 alerts acknowledged.")).to_be_visible()
    assert now(database) == {"acknowledged": 1000, "open": 50}


def test_where_a_request_fails_in_the_middle_it_is_said_what_is_left_and_that_can_be_tried_again(
    product: Product, page: Page, alerts: Callable[..., None], database: Engine, complaints: list[str]
) -> None:
    alerts(1200)
    page.goto(product.page("/alerts"))
    page.get_by_label("Choose all on this page").check()
    page.get_by_role("button", name="Choose all that match").click()
    expect(page.get_by_text("1,200 chosen, on all pages")).to_be_visible()
    asked = list[Route]()
    way = "**/api/v1/alerts/acknowledge"
    page.route(way, lambda route: asked.append(route) or (route.abort() if len(asked) == 2 else route.continue_()))

    acknowledge(page)
    page.get_by_role("dialog").get_by_role("button", name="Acknowledge 1,200 alerts").click()

    said = page.get_by_role("alert")
    expect(said).to_contain_text("500 alerts acknowledged. 700 alerts NOT acknowledged, and still chosen: EventPulse")
    expect(page.get_by_text("700 chosen, on all pages")).to_be_visible()
    assert now(database) == {"acknowledged": 500, "open": 700}
    complaints.clear()  # of the request that failed

    page.unroute(way)
    acknowledge(page)
    page.get_by_role("dialog").get_by_role("button", name="Acknowledge 700 alerts").click()
    expect(page.get_by_text("700 alerts acknowledged.")).to_be_visible()
    expect(said).to_be_hidden()
    assert now(database) == {"acknowledged": 1200}


def test_the_keyboard_is_enough_and_a_refresh_does_not_take_it_away(
    product: Product, page: Page, alerts: Callable[..., None], database: Engine
) -> None:
    alerts(5)
    page.goto(product.page("/alerts"))
    expect(rows_of(page)).to_have_count(5)
    page.keyboard.press("j")
    expect(rows_of(page).nth(0)).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_text("2 chosen")).to_be_visible()
    with page.expect_response("**/api/v1/alerts?*"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(rows_of(page).nth(1)).to_be_focused()
    page.keyboard.press("k")
    while page.evaluate("document.activeElement.textContent") != "Acknowledge":
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_text("2 alerts acknowledged.")).to_be_visible()
    expect(page.get_by_label("Choose all on this page")).to_be_focused()
    assert now(database) == {"acknowledged": 2, "open": 3}


def test_those_between_two_are_chosen_with_shift(product: Product, page: Page, alerts: Callable[..., None]) -> None:
    alerts(6)
    page.goto(product.page("/alerts"))
    rows_of(page).nth(1).get_by_role("checkbox").check()
    rows_of(page).nth(4).get_by_role("checkbox").click(modifiers=["Shift"])
    expect(page.get_by_text("4 chosen")).to_be_visible()


def test_alerts_that_opened_lately_are_shown_alone(
    product: Product, page: Page, alerts: Callable[..., None], database: Engine
) -> None:
    alerts(2)
    alerts(3, rule="yesterday", opened=utc_now() - timedelta(hours=20))
    page.goto(product.page("/alerts"))
    expect(rows_of(page)).to_have_count(5)
    page.get_by_label("Opened").select_option("In the last 1 h")
    expect(rows_of(page)).to_have_count(2)
    page.reload()
    expect(rows_of(page)).to_have_count(2)
    page.get_by_label("Opened").select_option("In the last 24 h")
    expect(rows_of(page)).to_have_count(5)
