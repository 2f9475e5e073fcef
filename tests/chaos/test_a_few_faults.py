"""A few faults under load, for every run of the tests. `make chaos` tries them all."""

from collections.abc import Iterator

import pytest

from tests.chaos.faults import API, LEADER, POSTGRESQL, REDIS, kill, wake_after_losing_the_lead
from tests.chaos.product import Product, a_product
from tests.chaos.run import run_scenario
from tests.chaos.scenarios import Scenario

SEED = 1
FAULTS = [
    Scenario("kill leading drain", kill(LEADER)),
    Scenario("kill API, Redis", kill(API, REDIS)),
    Scenario("wake a drain that lost the lead", wake_after_losing_the_lead),
    Scenario("kill PostgreSQL", kill(POSTGRESQL)),
]


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """One installation for all of them: each has to recover so well that the next finds everything in order."""
    with a_product() as product:
        yield product


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[scenario.name for scenario in FAULTS])
def test_what_was_accepted_is_stored_once_and_the_anomalies_are_those_of_one_evaluation(
    product: Product, number: int
) -> None:
    outcome = run_scenario(product, FAULTS[number], f"few{number}", SEED)

    assert outcome.wrongs == []
    assert outcome.verdict.accepted > 100
    assert outcome.verdict.anomalies > 0
