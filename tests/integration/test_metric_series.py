"""GET /metrics/series counts every event once, in the bucket its time lies in."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings as tried, strategies as st
from sqlalchemy import Engine, text

from eventpulse.database.events.metric_series import buckets_between
from ingest_api import metric_routes

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MINUTES = {"view": (0, 0, 1, 7, 61, 1439), "click": (0, 1, 1, 1, 2), "buy": (7, 8), "scroll": (7,), "zoom": (1440,)}


@pytest.fixture
def stored(engine: Engine) -> Callable[[], None]:
    """Store counts by minute after noon: each type comes from two sources."""

    def store() -> None:
        with engine.begin() as connection:
            for event_type, minutes in MINUTES.items():
                for minute, count in Counter(minutes).items():
                    for source in ("app", "web"):
                        values: dict[str, Any] = {"type": event_type, "source": source, "count": count}
                        connection.execute(
                            text("insert into eventpulse.event_rollups values (:at, :type, :source, :count)"),
                            {"at": NOON + timedelta(minutes=minute), **values},
                        )

    return store


def asked(api: TestClient, **query: Any) -> dict[str, Any]:
    answer = api.get("metrics/series", params=query)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def test_counts_by_minute(api: TestClient, stored: Callable[[], None]) -> None:
    stored()
    said = asked(api, **{"from": "2026-01-31T12:00:30Z", "to": "2026-01-31T12:03:59Z", "source": "web", "top": 1})

    assert said == {
        "from": "2026-01-31T12:00:00.000Z",
        "to": "2026-01-31T12:04:00.000Z",
        "bucket_seconds": 60,
        "buckets": 4,
        "group_by": "event_type",
        "series": [{"key": "click", "total": 5, "counts": [1, 3, 1, 0]}],
        "other": {"keys": 1, "total": 3, "counts": [2, 1, 0, 0]},
    }


@tried(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.integers(-100, 1500),
    length=st.integers(0, 1500),
    seconds=st.integers(1, 100_000),
    top=st.integers(1, 6),
    group_by=st.sampled_from(["event_type", "source"]),
)
def test_buckets_hold_what_a_plain_count_finds(
    api: TestClient, stored: Callable[[], None], first: int, length: int, seconds: int, top: int, group_by: str
) -> None:
    if not asked(api, **{"from": NOON.isoformat()})["series"]:
        stored()
    since, until = NOON + timedelta(minutes=first), NOON + timedelta(minutes=first + length)

    said = asked(
        api,
        **{"from": since.isoformat(), "to": until.isoformat()},
        **{"bucket_seconds": seconds, "top": top, "group_by": group_by},
    )

    start, step = datetime.fromisoformat(said["from"]), timedelta(seconds=said["bucket_seconds"])
    assert said["bucket_seconds"] == max(60, -(-seconds // 60) * 60)
    assert start <= since < start + step
    assert start + step * (said["buckets"] - 1) <= until < start + step * said["buckets"]
    expected: dict[str, Counter[int]] = {}
    for event_type, minutes in MINUTES.items():
        for source in ("app", "web"):
            counts = expected.setdefault(event_type if group_by == "event_type" else source, Counter())
            counts.update((NOON + timedelta(minutes=minute) - start) // step for minute in minutes)
    numbers = range(said["buckets"])
    plain = {key: [counts[n] for n in numbers] for key, counts in expected.items() if any(counts[n] for n in numbers)}
    ranked = sorted(plain, key=lambda key: (-sum(plain[key]), key))
    assert [(each["key"], each["counts"]) for each in said["series"]] == [(key, plain[key]) for key in ranked[:top]]
    assert said["other"]["keys"] == len(ranked[top:])
    assert said["other"]["counts"] == [sum(plain[key][n] for key in ranked[top:]) for n in numbers]
    assert all(each["total"] == sum(each["counts"]) for each in [*said["series"], said["other"]])


def test_the_last_hour_is_shown_where_nothing_else_is_asked_for(
    api: TestClient, stored: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored()
    monkeypatch.setattr(metric_routes, "utc_now", lambda: NOON + timedelta(minutes=60, seconds=5))

    said = asked(api)

    assert (said["from"], said["buckets"]) == ("2026-01-31T12:00:00.000Z", 61)
    assert [series["key"] for series in said["series"]] == ["click", "view", "buy", "scroll"]


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("2025-01-01T00:00:00Z", "2026-01-31T12:00:00Z"),
    ],
)
def test_there_are_never_too_many_buckets(api: TestClient, stored: Callable[[], None], since: str, until: str) -> None:
    stored()

    said = asked(api, **{"from": since, "to": until, "bucket_seconds": "-" + "1" * 40})

    assert 1 <= said["buckets"] <= 2_000
    assert all(len(series["counts"]) == said["buckets"] for series in said["series"])


def test_a_long_stretch_gets_longer_buckets_and_no_longer_than_needed() -> None:
    buckets = buckets_between(NOON, NOON + timedelta(days=30), 60, most=2_000)

    assert (buckets.minutes, buckets.count) == (32, 1351)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"bucket_seconds": "a minute"}, "bucket_seconds must be an integer"),
        ({"top": "all"}, "top must be an integer"),
        ({"group_by": "payload"}, "group_by must be one of: event_type, source"),
        ({"from": "today"}, "from must be a valid ISO-8601 timestamp"),
        ({"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "from must not be after to"),
    ],
)
def test_a_question_that_cannot_be_read_is_400_with_its_sentence(
    api: TestClient, query: dict[str, str], sentence: str
) -> None:
    answer = api.get("metrics/series", params=query)

    assert (answer.status_code, answer.json()) == (400, {"error": sentence})
