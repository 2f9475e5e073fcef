"""GET /events?where= finds exactly the events that a plain reading of the condition finds, in pages of any size."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, assume, example, given, settings as tried, strategies as st
from sqlalchemy import Engine, text

from ingest_api import event_search
from tests.written_predicates import Node, Row, as_sql, holds, names_a_path, predicates

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
NUMBER_PATHS, TEXT_PATHS = ["payload.n", "payload.m"], ["payload.t", "metadata.s", "source"]
VALUES: list[tuple[Any, ...]] = [
    *((1, 2, "a", "b"), (-3, None, "ab", None), (None, 0.5, None, "A"), (2.5, 2.5, "a%b", "a%b")),
    *((0, -1.5, "", "x'y"), ("1", True, 7, {"x": 1}), (None, None, None, None), (5, 5, "é", "10.0.0.1")),
]
ROWS: list[Row] = [
    {"payload.n": n, "payload.m": m, "payload.t": t, "metadata.s": s, "source": source}
    for n, m, t, s in VALUES
    for source in ("a", "b", "web")
]


@pytest.fixture
def stored(engine: Engine) -> Callable[[list[Row]], None]:
    """Store events in this order; the payload of each names its place."""

    def store(rows: list[Row]) -> None:
        with engine.begin() as connection:
            for place, row in enumerate(rows):
                inside = {path[8:]: value for path, value in row.items() if path.startswith("payload.")}
                values: dict[str, Any] = {
                    "source": row.get("source", "web"),
                    "at": NOON + timedelta(seconds=place),
                    "position": place,
                    "payload": msgspec.json.encode({**inside, "place": place}).decode(),
                    "metadata": msgspec.json.encode({"s": row.get("metadata.s")}).decode(),
                }
                connection.execute(
                    text(
                        "insert into eventpulse.events values (gen_random_uuid(), 'view', :source, :at, :at, :position,"
                        " 1, 'live', :payload, :metadata)"
                    ),
                    values,
                )

    return store


def pages(api: TestClient, **query: Any) -> Iterator[tuple[list[int], dict[str, Any]]]:
    """The places that each page shows, and its `pagination`."""
    cursor: dict[str, str] = {}
    while True:
        answer = api.get("events", params={**query, **cursor})
        assert answer.status_code == 200, answer.text
        said = answer.json()
        yield [event["payload"]["place"] for event in said["data"]], said["pagination"]
        if said["pagination"]["next"] is None:
            return
        cursor = {"cursor": said["pagination"]["next"]}


@tried(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    node=predicates(NUMBER_PATHS, TEXT_PATHS, division=True),
    limit=st.integers(1, 9),
    most_rows=st.integers(1, 30),
    first_page=st.integers(1, 10),
)
@example(node=("=", ("path", "source"), ("text", "a")), limit=1, most_rows=1, first_page=1)
def test_pages_of_a_search_together_are_what_a_plain_reading_finds(
    api: TestClient,
    stored: Callable[[list[Row]], None],
    node: Node,
    limit: int,
    most_rows: int,
    first_page: int,
) -> None:
    assume(names_a_path(node))
    if not api.get("events").json()["data"]:
        stored(ROWS)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(event_search, "MOST_ROWS", most_rows)
        patched.setattr(event_search, "_FIRST_PAGE", first_page)
        seen = list(pages(api, where=as_sql(node), limit=limit))

    assert [place for places, _ in seen for place in places] == [
        place for place in reversed(range(len(ROWS))) if holds(node, ROWS[place])
    ]
    for places, pagination in seen:
        assert pagination["count"] == len(places) <= limit
        assert pagination["scanned"] <= most_rows


def test_a_search_goes_with_the_other_filters(api: TestClient, stored: Callable[[list[Row]], None]) -> None:
    stored([{"payload.n": n, "source": source} for n in range(6) for source in ("a", "b")])
    since = (NOON + timedelta(seconds=4)).isoformat()

    [(places, pagination)] = pages(api, where="payload.n <> 4", source="b", **{"from": since})

    assert places == [11, 7, 5]
    assert pagination == {"limit": 50, "offset": 0, "count": 3, "next": None, "scanned": 4}
    assert next(pages(api, where="payload.n <> 4", source="b", offset=1, limit=1))[0] == [7]


def test_a_search_that_takes_too_long_says_where_it_got_to(
    api: TestClient, stored: Callable[[list[Row]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored([{"payload.n": n} for n in range(5)])
    monkeypatch.setattr(event_search, "MOST_SECONDS", 0.0)
    monkeypatch.setattr(event_search, "_FIRST_PAGE", 2)

    seen = list(pages(api, where="payload.n = 1"))

    assert [(places, pagination["scanned"]) for places, pagination in seen] == [([], 2), ([1], 2), ([], 1)]


def test_a_condition_with_nothing_in_it_asks_nothing(api: TestClient, stored: Callable[[list[Row]], None]) -> None:
    stored([{}, {}])

    [(places, pagination)] = pages(api, where=" ")

    assert places == [1, 0]
    assert "scanned" not in pagination


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ("payload.n >", 'where, column 11: The condition cannot be read near ">"; is a word, an operator'),
        ("payload.n = 1 and severity = 'x'", 'where, column 19: There is no "severity" in an event'),
        ("1 = 1", "where, column 1: The condition says nothing about an event"),
        ("payload.n = '" + "x" * 10_000 + "'", "where: A condition is at most 10000 characters long"),
        ("payload.n = 1; drop table events", 'where, column 14: ";" cannot stand in a condition'),
        ("payload.t = 'a\0b' or payload.t <> 'half", "where: The condition opens a quote"),
    ],
)
def test_a_condition_that_cannot_be_read_is_400_with_its_place(api: TestClient, where: str, sentence: str) -> None:
    answer = api.get("events", params={"where": where})

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(sentence)
