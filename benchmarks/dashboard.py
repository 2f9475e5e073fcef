"""`python -m benchmarks.dashboard`: how soon the overview shows its chart, what it transfers, what it keeps in memory.

Chromium opens the overview of a fresh product that holds an hour of events, once with nothing cached and once again.
Then events come in, and the page stays open: its heap is looked at each minute, after a garbage collection.
"""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer
from playwright.sync_api import BrowserContext, CDPSession, Page, sync_playwright

from benchmarks.invented_events import bodies, invented_events
from benchmarks.product import Product, product, wait_for
from benchmarks.results import Figures, report

_HISTORY = 20_000
_AN_HOUR = timedelta(minutes=59)
_POSTS_A_SECOND = 10
_MARK = "performance.getEntriesByName('first chart')[0]?.startTime"


def main(
    url: Annotated[str | None, typer.Option(help="A running EventPulse instead of a fresh one.")] = None,
    runs: Annotated[int, typer.Option(help="How often the page is opened.")] = 3,
    rate: Annotated[float, typer.Option(help="Events a second while the page stays open.")] = 100.0,
    minutes: Annotated[int, typer.Option(help="How long it stays open.")] = 5,
    json_file: Annotated[Path | None, typer.Option("--json", help="Add the results to this file.")] = None,
) -> None:
    """Measure the dashboard in Chromium."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        raise SystemExit("Chromium is not installed: `apt-get install chromium`, or name one in CHROMIUM.")
    with product(url) as running, sync_playwright() as playwright:
        _send_history(running)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        opened: dict[str, list[Figures]] = {"nothing cached": [], "opened again": []}
        for _ in range(runs):
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            for figures in opened.values():
                figures.append(_open(context, running))
            context.close()
        report("Dashboard, opening the overview", opened, unit="ms, kB, requests", json_file=json_file)
        with _traffic(running, rate):
            page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            kept = _stay(page, running, minutes)
        report(
            f"Dashboard, open for {minutes} min at {rate:.0f} events/s", kept, unit="MB, elements", json_file=json_file
        )
        browser.close()


def _send_history(running: Product) -> None:
    for body in bodies(invented_events(_HISTORY, over=_AN_HOUR), 1_000):
        _post(running, body)
    wait_for(
        "the events to be stored",
        lambda: running.api("GET", "/api/v1/ledger?limit=1")["balance"]["pending"] == 0,
        within=60,
    )


def _post(running: Product, body: bytes) -> None:
    address = f"{running.url}/api/v1/events/batch"
    httpx2.post(address, content=body, headers={"content-type": "application/json"}, timeout=30).raise_for_status()


@dataclass
class _Network:
    """What a page loads: encoded bytes and requests, files apart from the API."""

    session: CDPSession
    files: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    _urls: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.session.send("Network.enable")
        self.session.on("Network.requestWillBeSent", self._asked)
        self.session.on("Network.loadingFinished", self._answered)

    def _asked(self, event: dict[str, Any]) -> None:
        self._urls[event["requestId"]] = event["request"]["url"]

    def _answered(self, event: dict[str, Any]) -> None:
        url = self._urls.get(event["requestId"], "")
        (self.files if "/dashboard" in url else self.answers).append(event["encodedDataLength"])


def _open(context: BrowserContext, running: Product) -> Figures:
    """Open the overview in a page of its own, until its chart is there and the network rests."""
    page = context.new_page()
    network = _Network(context.new_cdp_session(page))
    page.goto(f"{running.url}/dashboard")
    chart: float = wait_for("the chart", lambda: page.evaluate(_MARK), within=30)
    wait_for("all panels", lambda: page.evaluate("document.querySelector('.skeleton') === null"), within=30)
    page.close()
    return {
        "first chart ms": chart,
        "files kB": sum(network.files) / 1000,
        "files fetched": len([size for size in network.files if size > 0]),
        "API kB": sum(network.answers) / 1000,
        "API requests": len(network.answers),
    }


def _stay(page: Page, running: Product, minutes: int) -> dict[str, list[Figures]]:
    """Look at the page's memory: once it shows all, and after each minute."""
    page.goto(f"{running.url}/dashboard")
    wait_for("the chart", lambda: page.evaluate(_MARK), within=30)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    kept = {}
    for minute in range(minutes + 1):
        page.wait_for_timeout(60_000 if minute else 10_000)
        session.send("HeapProfiler.collectGarbage")
        metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
        kept[f"after {minute} min"] = [
            {
                "heap MB": metrics["JSHeapUsedSize"] / 1e6,
                "DOM nodes": metrics["Nodes"],
                "listeners": metrics["JSEventListeners"],
            }
        ]
    return kept


@contextmanager
def _traffic(running: Product, rate: float) -> Iterator[None]:
    """So many events a second for the length of a block."""
    over = threading.Event()

    def send() -> None:
        due = time.monotonic()
        while not over.is_set():
            [body] = bodies(invented_events(max(1, round(rate / _POSTS_A_SECOND)), seed=time.time_ns()), 10_000)
            _post(running, body if body.startswith(b"[") else b"[" + body + b"]")
            due += 1 / _POSTS_A_SECOND
            over.wait(max(0.0, due - time.monotonic()))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        over.set()
        sender.join()


if __name__ == "__main__":
    typer.run(main)
