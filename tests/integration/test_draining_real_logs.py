"""Real logs through the real drain: the anomalies are those of the plain reference, however the stream is cut."""

import gzip
import json
import random
from collections import defaultdict, deque
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.draining import a_drain, current_anomalies, publish, save_rule

LOGS = Path(__file__).resolve().parents[3] / "shared" / "data"
BRUTE_FORCE = {
    "name": "ssh brute force",
    "severity": "critical",
    "window_seconds": 60,
    "cooldown_seconds": 300,
    "group_by": ["payload.ip"],
    "condition": {
        "type": "threshold",
        "metric": "count",
        "filters": {"event_type": "ssh_failed_password"},
        "operator": ">",
        "value": 5,
    },
}
CRAWLER = {
    "name": "crawler",
    "severity": "warning",
    "window_seconds": 60,
    "group_by": ["payload.ip"],
    "condition": {
        "type": "threshold",
        "metric": "count",
        "filters": {"event_type": "http_request"},
        "operator": ">",
        "value": 100,
    },
}


def read_log(name: str) -> list[dict[str, Any]]:
    path = LOGS / name
    if not path.exists():
        pytest.skip(f"the log {name} is not on this machine")
    with gzip.open(path) as lines:
        return [json.loads(line) for line in lines]


def more_than(events: list[dict[str, Any]], rule: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What a rule "more than n of one group in a window" finds, written as plainly as possible. `events` are in the
    order in which they were accepted."""
    condition = rule["condition"]
    window, cooldown = timedelta(seconds=rule["window_seconds"]), timedelta(seconds=rule.get("cooldown_seconds", 0))
    seen: dict[str, deque[datetime]] = defaultdict(deque)
    fired: dict[str, datetime] = {}
    found = []
    accepted = [(datetime.fromisoformat(event["timestamp"]), place, event) for place, event in enumerate(events)]
    for at, _, event in sorted(accepted, key=lambda one: one[:2]):
        if event["event_type"] != condition["filters"]["event_type"]:
            continue
        ip = event["payload"].get("ip")
        recent = seen[ip]
        recent.append(at)
        while recent[0] <= at - window:
            recent.popleft()
        if len(recent) > condition["value"] and (ip not in fired or at - fired[ip] >= cooldown):
            fired[ip] = at
            group = json.dumps({"payload.ip": ip}, separators=(",", ":"))
            found.append((rule["name"], group, at, event["event_id"], float(len(recent)), len(recent)))
    return sorted(found)


@pytest.mark.parametrize(
    ("log", "rule", "fewest"), [("ssh_auth.ndjson.gz", BRUTE_FORCE, 40), ("web_access.ndjson.gz", CRAWLER, 5)]
)
@pytest.mark.parametrize(
    ("an_entry", "a_batch"), [(10_000, 20_000), (7, 50)], ids=["one micro-batch", "many micro-batches"]
)
def test_a_log_in_its_own_order_gives_the_anomalies_of_the_reference(
    database_url: str, redis_url: str, log: str, rule: dict[str, Any], fewest: int, an_entry: int, a_batch: int
) -> None:
    events = read_log(log)
    save_rule(database_url, rule)
    publish(redis_url, events, an_entry=an_entry)

    with a_drain(database_url, redis_url, batch_events=a_batch) as drain:
        drain.run_until_empty()
        found = current_anomalies(drain.connection)

    assert found == more_than(events, rule)
    assert len(found) >= fewest


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("rule", [BRUTE_FORCE, {**BRUTE_FORCE, "group_by": []}], ids=["grouped", "not grouped"])
def test_a_shuffled_log_gives_the_anomalies_of_one_evaluation_over_all_of_it(
    database_url: str, redis_url: str, rule: dict[str, Any], seed: int
) -> None:
    events = [event for event in read_log("ssh_auth.ndjson.gz") if event["event_type"] == "ssh_failed_password"]
    if not rule["group_by"]:
        events = [{**event, "payload": {}} for event in events]
    random.Random(seed).shuffle(events)
    save_rule(database_url, rule)
    publish(redis_url, events, an_entry=20)

    with a_drain(database_url, redis_url, batch_events=60) as drain:
        drain.run_until_empty()
        found = current_anomalies(drain.connection)

    expected = more_than(events, rule)
    if not rule["group_by"]:
        expected = sorted((name, "{}", *rest) for name, _, *rest in expected)
    assert found == expected
    assert drain.tally.retracted > 0  # arrival out of order did make the drain change its mind
