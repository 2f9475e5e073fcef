"""The demonstration is the same for everybody, and its rules find what goes wrong in it and nothing else."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from eventpulse.demo.incidents import CYCLE_SECONDS, ERRORS, GUESSING, SILENCE, UNPAID, Incident, incident_at
from eventpulse.demo.traffic import events_of_second
from eventpulse.rule_file import read_rule_file
from eventpulse.settings import PROJECT_ROOT
from rules.evaluation import evaluate_whole
from rules.rule import read_rule
from tests.reference.agreement import frame
from tests.reference.evaluate import Event

START = datetime(1970, 1, 1, tzinfo=UTC)
RULES = {
    rule.name: rule
    for rule in (
        read_rule(found.document) for found in read_rule_file(PROJECT_ROOT / "rules" / "examples" / "demo.yaml")
    )
}


@pytest.fixture(scope="module")
def one_cycle() -> pl.DataFrame:
    """The events of the first cycle."""
    sent = [event for second in range(CYCLE_SECONDS) for event in events_of_second(second, START, 20, seed=1)]
    return frame(
        [
            Event(
                event_id=str(position),
                event_type=event["event_type"],
                source=event["source"],
                at=(datetime.fromisoformat(event["timestamp"]) - START) // timedelta(microseconds=1),
                position=position,
                payload=event["payload"],
            )
            for position, event in enumerate(sent)
        ]
    )


@pytest.mark.parametrize(
    ("name", "incident"),
    [
        ("demo: a server fails", ERRORS),
        ("demo: a server is slow", ERRORS),
        ("demo: somebody guesses passwords", GUESSING),
        ("demo: a host is silent", SILENCE),
        ("demo: orders are not paid", UNPAID),
    ],
    ids=lambda value: value.name if isinstance(value, Incident) else value.removeprefix("demo: "),
)
def test_each_rule_finds_its_incident_and_nothing_else(one_cycle: pl.DataFrame, name: str, incident: Incident) -> None:
    until = START + timedelta(seconds=CYCLE_SECONDS)

    found = evaluate_whole(RULES[name], one_cycle, until)["occurred_at"].to_list()

    assert found
    for at in found:
        assert START + timedelta(seconds=incident.start) <= at <= START + timedelta(seconds=incident.end + 30)


def test_the_same_second_has_the_same_events() -> None:
    assert events_of_second(75, START, 20, seed=1) == events_of_second(75, START, 20, seed=1)
    assert events_of_second(75, START, 20, seed=1) != events_of_second(75, START, 20, seed=2)


def test_incidents_come_again_in_every_cycle() -> None:
    assert [incident_at(ERRORS.start + cycle * CYCLE_SECONDS) for cycle in range(3)] == [ERRORS] * 3
    assert incident_at(ERRORS.end) is None
