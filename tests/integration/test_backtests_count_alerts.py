"""A backtest of the rules that stand has the alerts that live detection kept, whatever the slices it reads."""

from datetime import UTC, datetime
from typing import Any

import pytest

from eventpulse.database.events.history import standing_keys
from eventpulse.database.events.history_slices import Of, read_slices
from pipelines.read_rules import named_rules
from rules.trials.backtest import backtest
from rules.trials.sweep import Variant
from tests.draining import a_drain, publish, save_rule

FIRST, LAST = datetime(2026, 1, 30, tzinfo=UTC), datetime(2026, 2, 3, tzinfo=UTC)
FAILED = {"event_type": "login_failed"}
RULES: list[dict[str, Any]] = [
    {"condition": {"type": "match", "filters": FAILED}, "window_seconds": 300},
    {"condition": {"type": "match", "filters": FAILED}, "window_seconds": 60, "cooldown_seconds": 3600},
    {
        "condition": {"type": "threshold", "metric": "count", "operator": ">", "value": 2, "filters": FAILED},
        "window_seconds": 600,
        "cooldown_seconds": 1800,
    },
    {
        "condition": {"type": "threshold", "metric": "count", "operator": ">", "value": 3},
        "window_seconds": 900,
        "keep_firing_seconds": 300,
        "for_seconds": 60,
    },
    {"condition": {"type": "absence", "filters": FAILED}, "window_seconds": 3600},
    {"condition": {"type": "new_value", "field": "payload.user", "learn_seconds": 0}, "window_seconds": 600},
]


def some_events(number: int) -> list[dict[str, Any]]:
    """Bursts and quiet over three days, of four addresses."""
    events, at = [], FIRST.timestamp()
    for n in range(number):
        at += (7 + n * 13 % 90) if n % 40 else 5400 + n * 7
        events.append(
            {
                "event_id": f"00000000-0000-4000-8000-{n:012}",
                "event_type": "login_failed" if n % 3 else "login",
                "timestamp": datetime.fromtimestamp(at, UTC).isoformat(),
                "payload": {"ip": f"10.0.0.{n * n % 4}", "user": f"u{n // 50}"},
            }
        )
    return events


@pytest.mark.parametrize("slice_events", [50, 100_000])
def test_of_the_rules_that_stand_it_has_the_alerts_that_stand(
    database_url: str, redis_url: str, slice_events: int
) -> None:
    for number, rule in enumerate(RULES):
        save_rule(database_url, {"name": f"rule {number}", "severity": "info", "group_by": ["payload.ip"], **rule})
    publish(redis_url, some_events(1200))
    with a_drain(database_url, redis_url, batch_events=170) as drain:
        drain.run_until_empty()
        connection = drain.connection
        kept = connection.execute(
            "select rule_name, count(*) from eventpulse.alerts where opened_at < %s group by 1", (LAST,)
        ).fetchall()
        rules = named_rules(connection, None)
        outcomes = backtest(
            [Variant({}, rule) for rule in rules],
            FIRST,
            LAST,
            lambda first, last: read_slices(connection, first, last, Of(), most=slice_events),
            lambda first, last: standing_keys(connection, rules[0].rule_id, first, last),
        )
    assert {outcome.variant.rule.name: outcome.alerts for outcome in outcomes} == dict(kept)
    assert min(count for _, count in kept) > 3
