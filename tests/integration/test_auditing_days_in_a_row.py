"""Days that are audited in a row say what each would say alone, and history is read once, not once for each day."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from eventpulse.settings import Settings
from pipelines.history import walk_history
from pipelines.history.audit import Auditor
from pipelines.read_rules import named_rules
from tests.draining import SteppedDrain, a_drain, publish, save_rule
from tests.reevaluating import forget_anomalies

START = datetime(2026, 1, 29, tzinfo=UTC)
DAYS = [date(2026, 1, 29) + timedelta(days=number) for number in range(4)]
OUTLIERS = {"type": "deviation", "metric": "count", "method": "zscore", "operator": ">=", "value": 2}
RULES: list[dict[str, Any]] = [
    {"name": "many", "cooldown_seconds": 30_000, "condition": {"type": "threshold", "metric": "count"}},
    {"name": "burst", "condition": {**OUTLIERS, "bucket_seconds": 3600, "baseline_buckets": 6, "direction": "up"}},
]


@pytest.fixture
def drain(database_url: str, redis_url: str) -> Iterator[SteppedDrain]:
    """A rule that rests for hours, one that looks back for ever, and four days of events, more of them at times."""
    for rule in RULES:
        condition = {"operator": ">", "value": 2, **rule["condition"]}
        save_rule(database_url, {"severity": "info", "window_seconds": 3600, **rule, "condition": condition})
    minutes = list(range(0, 4 * 1440, 15))
    minutes += [minute + more for minute in range(400, 4 * 1440, 700) for more in range(1, 40)]
    events = [
        {"event_id": str(UUID(int=number + 1)), "timestamp": (START + timedelta(minutes=minute)).isoformat()}
        for number, minute in enumerate(sorted(minutes))
    ]
    publish(redis_url, events)
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()
        drain.connection.execute(
            "update eventpulse.coverage set live = false,"
            " evaluated = tstzmultirange(tstzrange(day::timestamptz, day + interval '1 day'))"
        )
        yield drain


def an_auditor(drain: SteppedDrain) -> Auditor:
    return Auditor(drain.connection, Settings(), named_rules(drain.connection, None))


def findings(auditor: Auditor, day: date) -> list[tuple[Any, ...]]:
    told = [
        (each.rule_name, each.computed, each.standing, each.missing, each.extra) for each in auditor.audit(day).findings
    ]
    return sorted(told)


def test_days_in_a_row_say_what_each_says_alone(drain: SteppedDrain) -> None:
    assert forget_anomalies(drain.connection, "occurred_at between '2026-01-30 06:00' and '2026-01-31 03:00'") > 3
    alone = [findings(an_auditor(drain), day) for day in DAYS]
    in_a_row = an_auditor(drain)
    assert [findings(in_a_row, day) for day in DAYS] == alone
    assert any(missing for day in alone for _, _, _, missing, _ in day)
    assert all(computed for day in alone for _, computed, _, _, _ in day)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """From where on the past was read to set rules on their way."""
    starts, events_in = list[datetime](), walk_history.events_in

    def noted(connection: Any, start: datetime, end: datetime, of: Any) -> Any:
        starts.append(start)
        return events_in(connection, start, end, of)

    monkeypatch.setattr(walk_history, "events_in", noted)
    return starts


def test_the_past_is_not_read_anew_for_each_day(drain: SteppedDrain, read: list[datetime]) -> None:
    auditor = an_auditor(drain)
    for day in DAYS:
        auditor.audit(day)
    assert read == []


def test_the_past_is_read_anew_where_events_have_come_meanwhile(
    drain: SteppedDrain, redis_url: str, read: list[datetime]
) -> None:
    auditor = an_auditor(drain)
    auditor.audit(DAYS[0])
    publish(redis_url, [{"event_id": str(UUID(int=9000)), "timestamp": "2026-01-29T23:58:00Z"}])
    drain.run_until_empty()
    auditor.audit(DAYS[1])
    assert read == [START]
