"""One scenario from beginning to end: load, fault, recovery, quiet, verdict."""

import random
import time
from dataclasses import dataclass

from eventpulse.stream.backlog import read_backlog
from eventpulse.stream.connect import open_redis
from tests.chaos.expected import rules_for
from tests.chaos.faults import API, CODE_SERVER, DAEMON, WEBSERVER, Damage
from tests.chaos.load import Load
from tests.chaos.product import Product, wait_for
from tests.chaos.scenarios import Scenario
from tests.chaos.verdict import Verdict, judge

RECOVERS_WITHIN_SECONDS = 90.0
_ENDED = ("SUCCESS", "FAILURE", "CANCELED")


@dataclass(frozen=True)
class Outcome:
    """What came of a scenario: the verdict, how long until every part was back, and what else is wrong."""

    scenario: Scenario
    verdict: Verdict
    whole_after: float
    wrongs: list[str]


def run_scenario(product: Product, scenario: Scenario, tag: str, seed: int) -> Outcome:
    """Break the product in one way under load and see what became of everything that was sent meanwhile."""
    chance = random.Random(f"{seed} {scenario.name}")
    for rule in rules_for(tag):
        product.api("POST", "rules", json=rule)
    load = Load(product.url, tag, seed)
    load.start()
    try:
        wait_for("the first events to be accepted", lambda: load.accepted, within=30)
        time.sleep(chance.uniform(1.5, 3.5))
        damage = scenario.fault(product, chance)
        wait_for("an event to be accepted after the fault", lambda: load.accepted_after(damage.until), within=60)
        wait_for("every part to be back", lambda: is_whole(product), within=RECOVERS_WITHIN_SECONDS)
        whole_after = time.time() - damage.until
        time.sleep(1.0)
        load.stop()
    finally:
        load.stop(give_up=True)
    wait_until_quiet(product)
    verdict = judge(product, load, tag, damage)
    wrongs = [*verdict.wrongs, *scenario.check(load, damage), *_hidden_deaths(product, damage)]
    return Outcome(scenario, verdict, whole_after, wrongs)


def is_whole(product: Product) -> bool:
    """Whether every part is there, two drains contend, and Dagster believes in no other run."""
    try:
        for part in (API, CODE_SERVER, DAEMON, WEBSERVER):
            product.process(part)
        running = {run_id for run_id, status in product.runs().items() if status not in _ENDED}
        return len(running) == 2 and running == product.drains().keys()
    except Exception:  # any part may be away in any way
        return False


def wait_until_quiet(product: Product) -> None:
    """Wait until everything that was accepted has been dealt with."""
    url = product.settings.redis_url
    assert url is not None
    with open_redis(url.get_secret_value()) as client:
        wait_for("the backlog to be empty", lambda: read_backlog(client).entries == 0, within=RECOVERS_WITHIN_SECONDS)


def _hidden_deaths(product: Product, damage: Damage) -> list[str]:
    runs = product.runs()
    hidden = sorted(run_id for run_id in damage.dead_runs if runs.get(run_id) != "FAILURE")
    return [f"drain run {run_id} died and is shown as {runs.get(run_id)}" for run_id in hidden]
