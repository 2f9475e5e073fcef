"""What lies behind the lists passes axe as well, in light and dark, and fits a narrow screen: one alert, rule, event,
dead letter, and the dialogs of silences and channels."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.at_the_door import until
from tests.browser.accessibility import settled, violations
from tests.browser.product import Product
from tests.draining import publish_lines

pytestmark = pytest.mark.xdist_group("browser")
RULE = {
    "name": "brute force",
    "severity": "critical",
    "window_seconds": 60,
    "keep_firing_seconds": 3600,  # it shall not end while one looks
    "group_by": ["payload.ip"],
    "labels": {"team": "security", "runbook": "https://wiki.example.com/ssh"},
    "condition": {
        "type": "threshold",
        "metric": "count",
        "operator": ">",
        "value": 5,
        "filters": {"event_type": "login_failed"},
    },
}


@dataclass(frozen=True)
class Things:
    """One of each, by id."""

    alert: str
    rule: str
    event: str


@pytest.fixture(scope="module")
def things(product: Product) -> Things:
    """A rule with two versions, its alert, which somebody was not told of, a channel, a silence and a dead letter."""

    def post(path: str, document: object) -> dict[str, str]:
        answer = httpx2.post(f"{product.address}/api/v1/{path}", json=document, timeout=30)
        assert answer.is_success, answer.text
        made: dict[str, str] = answer.json()
        return made

    def alerts() -> list[dict[str, str]]:
        found: list[dict[str, str]] = httpx2.get(f"{product.address}/api/v1/alerts", timeout=30).json()["data"]
        return found

    rule = post("rules", RULE)["rule_id"]
    changed = httpx2.patch(f"{product.address}/api/v1/rules/{rule}", json={"severity": "warning"}, timeout=30)
    assert changed.is_success
    post("channels", {"name": "on duty", "url": "json://127.0.0.1:9/", "matcher": {"severity": "critical"}})
    ends = "2099-01-01T00:00:00Z"
    post("silences", {"matcher": {"rule": "other"}, "owner": "ada", "reason": "an upgrade", "ends_at": ends})
    publish_lines(product.redis_url, [[b"no event"]])
    sent = product.send(*[{"event_type": "login_failed", "payload": {"ip": "10.0.0.1", "agent": "x" * 200}}] * 6)
    until(lambda: len(alerts()) == 1)
    alert = alerts()[0]["alert_id"]
    post(f"alerts/{alert}/acknowledge", {"by": "ada", "note": "looking at it"})
    return Things(alert, rule, sent[0])


def an_alert(page: Page, product: Product, things: Things) -> None:
    page.goto(product.page(f"/alerts/{things.alert}"))
    settled(page)
    page.get_by_role("button", name="Re-evaluate").click()
    expect(page.get_by_text("Evaluated afresh")).to_be_visible()


def a_silence_from_an_alert(page: Page, product: Product, things: Things) -> None:
    page.goto(product.page(f"/alerts/{things.alert}"))
    page.get_by_role("button", name="Silence …").click()
    page.get_by_role("button", name="What would it have hidden?").click()
    expect(page.locator(".preview")).to_contain_text("24 hours")


def a_stored_rule(page: Page, product: Product, things: Things) -> None:
    page.goto(product.page(f"/rules/{things.rule}"))
    settled(page)
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("region", name="What it would have found").get_by_role("img")).to_have_count(2)
    page.get_by_role("region", name="Versions").get_by_text("Version 2").click()


def a_rule_as_text(page: Page, product: Product, things: Things) -> None:
    page.goto(product.page(f"/rules/{things.rule}"))
    page.get_by_role("button", name="YAML").click()
    page.get_by_label("The rule as text").fill("name: x\nseverity: loud")
    expect(page.get_by_role("button", name="Line 2, column 11")).to_be_visible()


def an_event(page: Page, product: Product, things: Things) -> None:
    page.goto(product.page(f"/events/{things.event}"))
    expect(page.locator(".json")).to_be_visible()


def an_event_over_the_list(page: Page, product: Product, things: Things) -> None:
    page.goto(product.page("/events"))
    page.get_by_role("table", name="Events").locator("tbody tr").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()


def a_dead_letter(page: Page, product: Product, things: Things) -> None:
    page.goto(product.page("/dead-letters/1"))
    expect(page.get_by_label("Event to be sent instead")).to_be_visible()


def a_channel(page: Page, product: Product, things: Things) -> None:
    page.goto(product.page("/channels"))
    page.get_by_role("row").filter(has_text="on duty").get_by_role("button", name="Change").click()
    expect(page.get_by_role("dialog").get_by_label("Name")).to_have_value("on duty")


def a_new_inhibition(page: Page, product: Product, things: Things) -> None:
    page.goto(product.page("/silences"))
    page.get_by_role("button", name="New inhibition").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def chosen_alerts(page: Page, product: Product, things: Things) -> None:
    page.goto(product.page("/alerts?sort=Severity"))
    page.get_by_label("Choose all on this page").check()
    expect(page.get_by_text("1 chosen")).to_be_visible()


def the_keys(page: Page, product: Product, things: Things) -> None:
    page.goto(product.page("/alerts"))
    settled(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


DETAILS = [
    *(an_alert, a_silence_from_an_alert, a_stored_rule, a_rule_as_text, an_event, an_event_over_the_list),
    *(a_dead_letter, a_channel, a_new_inhibition, chosen_alerts, the_keys),
]


def test_axe_finds_nothing_in_details(product: Product, new_page: Callable[..., Page], things: Things) -> None:
    found = {}
    for detail in DETAILS:
        page = new_page(scheme="light")
        detail(page, product, things)
        found[f"{detail.__name__}, light"] = violations(page)
        page.emulate_media(color_scheme="dark")
        found[f"{detail.__name__}, dark"] = violations(page)
        page.close()
    assert {name: broken for name, broken in found.items() if broken} == {}


@pytest.mark.parametrize("width", [360, 768])
def test_no_detail_is_wider_than_its_screen(
    product: Product, new_page: Callable[..., Page], things: Things, width: int
) -> None:
    page = new_page(width=width, height=800)
    for detail in (an_alert, a_stored_rule, an_event, a_dead_letter, chosen_alerts):
        detail(page, product, things)
        page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")  # charts follow a moment later
