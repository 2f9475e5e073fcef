"""What only the overview asks: anomalies counted over event time, and the share of events a condition holds for."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from eventpulse.clock import utc_now
from tests.draining import a_drain, publish, save_rule

RULE = str(UUID(int=7))
MATCH = {
    "rule_id": RULE,
    "name": "any fault",
    "enabled": True,
    "severity": "critical",
    "window_seconds": 60,
    "cooldown_seconds": 0,
    "condition": {"type": "match", "filters": {"event_type": "fault"}},
}


def an_event(at: str, event_type: str = "fault", **payload: Any) -> dict[str, Any]:
    return {"event_id": str(uuid4()), "timestamp": at, "event_type": event_type, "payload": payload}


def test_anomalies_are_counted_at_the_time_of_their_event(api: TestClient, database_url: str, redis_url: str) -> None:
    save_rule(database_url, MATCH)
    times = ["2026-01-31T12:00:10Z", "2026-01-31T12:00:50Z", "2026-01-31T12:04:59.999Z", "2026-01-31T12:05:00Z"]
    publish(redis_url, [an_event(at) for at in times])
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()

    said = api.get(
        "metrics/anomalies",
        params={"from": "2026-01-31T12:00:00Z", "to": "2026-01-31T12:04:59.999Z", "bucket_seconds": 60},
    ).json()

    mark = {"severity": "critical", "names": ["any fault"], "rules": 1}
    assert said == {
        "from": "2026-01-31T12:00:00.000Z",
        "to": "2026-01-31T12:05:00.000Z",
        "bucket_seconds": 60,
        "buckets": 5,
        "total": 3,
        "marks": [{"bucket": 0, "count": 2, **mark}, {"bucket": 4, "count": 1, **mark}],
    }


def test_the_share_is_that_of_the_newest_events_in_the_window(
    api: TestClient, database_url: str, redis_url: str
) -> None:
    now, long_ago = utc_now().isoformat(), (utc_now() - timedelta(hours=2)).isoformat()
    publish(
        redis_url,
        [an_event(now, "request", status=status) for status in (200, 200, 503)]
        + [an_event(long_ago, "request", status=503), an_event(now, "other", status="503")],
    )
    with a_drain(database_url, redis_url) as drain:
        drain.run_until_empty()

    def share(**asked: Any) -> tuple[int, int]:
        said = api.get("metrics/share", params=asked).json()
        return said["matching"], said["looked_at"]

    assert share(where="payload.status >= 500", window_seconds=60) == (1, 4)
    assert share(where="payload.status >= 500", event_type="request") == (1, 3)
    assert share(where="event_type = 'other'") == (1, 4)
    assert share() == (4, 4)


@pytest.mark.parametrize(
    ("path", "asked", "sentence"),
    [
        ("metrics/share", {"where": "payload.status >="}, "where"),
        ("metrics/share", {"window_seconds": "5"}, "window_seconds must be between 10 and 3600"),
        ("metrics/anomalies", {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from must not be"),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value),
)
def test_what_cannot_be_asked_is_said(api: TestClient, path: str, asked: dict[str, str], sentence: str) -> None:
    answer = api.get(path, params=asked)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(sentence)
