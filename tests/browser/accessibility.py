"""What axe finds on a page, and when a page is there to be looked at."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def violations(page: Page) -> list[tuple[str, list[str]]]:
    """The name of each rule of axe that is broken, and by what."""
    found = Axe().run(page, options=_RULES).response["violations"]
    return [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found]


def settled(page: Page) -> None:
    """Wait until every panel has what it shows."""
    expect(page.locator("main h1")).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)
