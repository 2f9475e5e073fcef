"""GET /metrics counts exactly, over whole minutes and ragged edges alike."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from eventpulse.database.events.metric_queries import count_events
from eventpulse.database.transactions import reading
from ingest_api import metric_routes

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def stored(engine: Engine) -> Callable[..., None]:
    """Store one event for each instant, in the events and in the counts by minute."""

    def store(instants: list[datetime], event_type: str = "view", source: str = "web") -> None:
        with engine.begin() as connection:
            for instant in instants:
                values: dict[str, Any] = {"at": instant, "type": event_type, "source": source}
                connection.execute(
                    text(
                        "insert into eventpulse.events values (gen_random_uuid(), :type, :source, :at, :at, 0, 1,"
                        " 'live', '{}', '{}')"
                    ),
                    values,
                )
                connection.execute(
                    text(
                        "insert into eventpulse.event_rollups as r"
                        " values (date_trunc('minute', cast(:at as timestamptz)), :type, :source, 1)"
                        " on conflict (minute, event_type, source) do update set count = r.count + 1"
                    ),
                    values,
                )

    return store


@pytest.mark.parametrize(
    ("since", "until"),
    [(0, 60), (0, 59.999999), (13, 15), (13, 60), (13, 61), (59, 180), (60, 180), (61, 3599), (59.5, 60.5), (0, 3600)],
)
def test_every_event_from_the_first_to_the_last_instant_counts_once(
    engine: Engine, stored: Callable[..., None], since: float, until: float
) -> None:
    seconds = [0, 13, 14.5, 15, 59, 59.999999, 60, 60.5, 61, 119, 120, 179, 180, 180.000001, 3599, 3600]
    stored([NOON + timedelta(seconds=second) for second in seconds])

    with reading(engine) as connection:
        counted = count_events(
            connection,
            since=NOON + timedelta(seconds=since),
            until=NOON + timedelta(seconds=until),
            group_by="event_type",
        )

    assert counted == [("view", sum(since <= second <= until for second in seconds))]


def test_counts_are_shown_by_type_or_source_the_most_first(
    api: TestClient, stored: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metric_routes, "utc_now", lambda: NOON)
    lately = [NOON - timedelta(seconds=second) for second in (1, 30, 59)]
    stored(lately, "view", "web")
    stored([*lately, *lately], "click", "web")
    stored([*lately, NOON - timedelta(seconds=61)], "buy", "app")

    assert api.get("metrics").json() == {
        "window_seconds": 60,
        "group_by": "event_type",
        "from": "2026-01-31T11:59:00.000Z",
        "to": "2026-01-31T12:00:00.000Z",
        "metrics": [
            {"key": "click", "count": 6, "rate_per_sec": 0.1},
            {"key": "buy", "count": 3, "rate_per_sec": 0.05},
            {"key": "view", "count": 3, "rate_per_sec": 0.05},
        ],
    }
    by_source = api.get("metrics", params={"group_by": "source", "window_seconds": "130"}).json()
    assert by_source["metrics"] == [
        {"key": "web", "count": 9, "rate_per_sec": 0.0692},
        {"key": "app", "count": 4, "rate_per_sec": 0.0308},
    ]
    filtered = api.get("metrics", params={"event_type": "click", "source": "web", "window_seconds": "10"}).json()
    assert filtered["metrics"] == [{"key": "click", "count": 2, "rate_per_sec": 0.2}]
    assert api.get("metrics", params={"source": "nobody"}).json()["metrics"] == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"window_seconds": "a minute"}, "window_seconds must be an integer"),
        ({"window_seconds": "60.5"}, "window_seconds must be an integer"),
        ({"window_seconds": "9"}, "window_seconds must be between 10 and 3600"),
        ({"window_seconds": "3601"}, "window_seconds must be between 10 and 3600"),
        ({"group_by": "payload"}, "group_by must be one of: event_type, source"),
        ({"group_by": ""}, "group_by must be one of: event_type, source"),
    ],
)
def test_a_question_that_cannot_be_read_is_400_with_its_sentence(
    api: TestClient, query: dict[str, str], sentence: str
) -> None:
    answer = api.get("metrics", params=query)

    assert (answer.status_code, answer.json()) == (400, {"error": sentence})
